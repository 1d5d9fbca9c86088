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

  it("reads a file of 1 MiB that it does not know once", async () => {
    const line = `foo=${"x".repeat(75)}\n`;
    const { refused } = await parseCf(line.repeat((1024 * 1024) / line.length));
    expect(refused).toHaveLength(13_107);
  }, 30_000);
});
