/** ldirectord.cf of which its parser, or the lab, takes little or nothing. */
import { describe, expect, it } from "vitest";
import { parseCf } from "../../../../cli/commands/import";
import { importCf, leftOf, missing } from "./support";

describe.skipIf(missing)(`ldirectord.cf${missing ? ` (skipped: no ${missing})` : ""}`, () => {
  it("goes on after lines that it does not know, also amid a service", async () => {
    const imported = await importCf(
      "virtual=192.168.6.240:80\n    real=192.168.6.2:80 gate\nfoo=1\n    scheduler=rr\n    foo=2\nfoo=3\nfoo=4\n\nfork=yes\nfoo=5\n",
    );
    expect(leftOf(imported)).toEqual([3, 5, 6, 7, 10].map((line) => [line, "ldirectord does not know it"]));
    expect(imported.lab.services[0].scheduler).toBe("rr");
  });

  it("tells of a block that it refuses all but the comments", async () => {
    const good = "virtual=192.168.6.240:80\n    real=192.168.6.2:80 gate\n";
    const imported = await importCf(`${good}${good.replace("real", "# A comment\n    real")}`);
    expect(leftOf(imported)).toEqual([
      [3, "ldirectord: duplicate virtual server"],
      [5, "ldirectord: is of the service in line 3"],
    ]);
  });

  it("reads a file of 1 MiB that it does not know once", async () => {
    const line = `foo=${"x".repeat(75)}\n`;
    const { refused } = await parseCf(line.repeat((1024 * 1024) / line.length));
    expect(refused).toHaveLength(13_107);
  }, 30_000);

  it("has no mark 0", () =>
    expect(importCf("virtual=0\n    real=192.168.6.2:80 gate\n")).rejects.toThrow(
      /line 1: virtual=0: 0 is not a firewall mark.*\n {2}line 2: .*is of the service in line 1$/,
    ));

  it.each([
    ["", "no service can be taken over: the file says nothing"],
    ["# A comment\n", "no service can be taken over: the file says nothing"],
    ["checktimeout=3\n", "no service can be taken over: the file has no virtual service"],
  ])("says what a file without services lacks: %j", (text, message) =>
    expect(importCf(text)).rejects.toThrow(new RegExp(`^${message}$`)),
  );

  it("and in JSON tells each of their lines", () =>
    expect(importCf("# A comment\ncheckinterval=3\nfoo=1\n")).rejects.toMatchObject({
      left: [
        { line: 2, reason: "is of no service that is taken over" },
        { line: 3, reason: "ldirectord does not know it" },
      ],
    }));
});
