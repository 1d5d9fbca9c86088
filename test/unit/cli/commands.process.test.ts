import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { XMLValidator } from "fast-xml-parser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkout, type Checkout } from "./support/checkout";

let lab: Checkout;
beforeAll(() => {
  // No guest can be reached, but for a command by name.
  lab = checkout('case "${*: -2}" in "-- exit-7") echo here; exit 7 ;; *) exit 255 ;; esac');
});
afterAll(() => lab.remove());

describe("output", () => {
  it("prints a text as it is, and with --json as JSON", async () => {
    const [plain, json, nodes] = await Promise.all([
      lab.run("output", "vip"),
      lab.run("output", "vip", "--json"),
      lab.run("output", "nodes"),
    ]);
    expect(plain).toEqual({ code: 0, stdout: "10.0.0.100\n", stderr: "" });
    expect(json).toEqual({ code: 0, stdout: '"10.0.0.100"\n', stderr: "" });
    expect(JSON.parse(nodes.stdout)).toEqual(lab.outputs.nodes);
  });

  it("goes to its end when nobody reads it any more", async () => {
    const { child, ended } = lab.start("output");
    child.stdout?.destroy();
    expect(await ended).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("refuses a name that is not an output's", async () => {
    for (const name of ["nosuch", "toString"]) {
      const stderr = `error: no output '${name}'; there are vip, url, nodes, imageDigest, privateKey, access\n`;
      expect(await lab.run("output", name)).toEqual({ code: 1, stdout: "", stderr });
    }
  });

  it("masks what is secret, unless asked to show it", async () => {
    const [all, one, json, inTheClear, key, hosts] = await Promise.all([
      lab.run("output"),
      lab.run("output", "privateKey"),
      lab.run("output", "access", "--json"),
      lab.run("output", "--show-secrets"),
      lab.run("output", "privateKey", "--show-secrets"),
      lab.run("output", "access", "--show-secrets"),
    ]);
    const masked = { privateKey: "[secret]", access: "[secret]" };
    expect(JSON.parse(all.stdout)).toEqual({ ...lab.outputs, ...masked });
    expect(one).toEqual({ code: 0, stdout: "[secret]\n", stderr: "" });
    expect(json).toEqual({ code: 0, stdout: '"[secret]"\n', stderr: "" });
    expect(JSON.parse(inTheClear.stdout)).toMatchObject({ ...lab.outputs, privateKey: "canary-key" });
    expect(key).toEqual({ code: 0, stdout: "canary-key\n", stderr: "" });
    expect(JSON.parse(hosts.stdout)).toMatchObject({
      privateKey: "canary-key",
      hosts: { rs1: { user: "root" } },
    });
  });
});

it.each(["", "/"])("a configuration file that is none is refused by its name: '%s'", async (file) => {
  const { code, stderr } = await lab.run("preview", "--config-file", file);
  expect(code).toBe(1);
  expect(stderr).toMatch(/--config-file <file>.*that is no file/);
});

describe("status", () => {
  it("ends with 5 when nobody answers", async () => {
    const { code, stdout } = await lab.run("status");
    expect(stdout).toMatch(/^down, observed at /);
    expect(code).toBe(5);
  });

  it("--watch looks again and again until it is interrupted, and ends as the last look", async () => {
    const { child, ended } = lab.start("status", "--watch", "0.1");
    let looks = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      looks += chunk.toString().match(/^down, observed at /gm)?.length ?? 0;
      // Once: the second ends it at once.
      if (looks >= 3 && !child.killed) child.kill("SIGINT");
    });
    const { code, stdout } = await ended;
    const times = stdout.match(/(?<=^down, observed at )\S+(?=,)/gm) ?? [];
    expect(new Set(times).size).toBeGreaterThanOrEqual(3);
    expect(code).toBe(5);
  });

  it("--watch is for people, at intervals that are some", async () => {
    for (const [args, why] of [
      [["--watch", "--json"], "--watch is for people"],
      [["--watch", "0"], "seconds, above 0"],
    ] as const) {
      const { code, stderr } = await lab.run("status", ...args);
      expect([code, stderr]).toEqual([1, expect.stringContaining(why)]);
    }
  });
});

it("ssh ends with the command's own status", async () => {
  const [known, unknown] = await Promise.all([
    lab.run("ssh", "rs1", "exit-7"),
    lab.run("ssh", "rs9", "exit-7"),
  ]);
  expect(known).toEqual({ code: 7, stdout: "here\n", stderr: "" });
  expect(unknown).toMatchObject({
    code: 1,
    stderr: "error: no guest is called 'rs9'; there are router, client, director, rs1, rs2\n",
  });
});

describe("a file that is named", () => {
  it("lands where its name is meant from, not in the program's own directory", async () => {
    const before = readdirSync(lab.directory);
    const verify = await lab.run("verify", "table", "--deadline", "0", "--junit", "verify.xml");
    expect(verify.code).toBe(1);
    const report = await lab.run("report", "lab.html");
    expect(report).toMatchObject({ code: 0, stderr: "lab.html: down, 0 checks passed, 0 drills\n" });
    expect(readdirSync(lab.directory)).toEqual(before);
    expect(readdirSync(lab.elsewhere).sort()).toEqual(["lab.html", "verify.xml"]);
    expect(XMLValidator.validate(readFileSync(join(lab.elsewhere, "verify.xml"), "utf8"))).toBe(true);
  });

  it("is told with its directory when that does not exist", async () => {
    const { code, stderr } = await lab.run("report", "none/lab.html");
    const path = join(lab.elsewhere, "none/lab.html");
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`ENOENT: no such file or directory, open '${path}'`),
    ]);
    expect(existsSync(join(lab.directory, "none"))).toBe(false);
  });
});
