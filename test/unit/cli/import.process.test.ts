import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openLab } from "../../../cli/stack/stackLab";
import { checkout, type Checkout } from "./support/checkout";

const CF = `virtual=192.168.6.240:80
    real=web1:80 masq
    real=192.168.6.3:80 gate
virtual=192.168.6.240:1812
    real=192.168.6.3:1812 gate
    protocol=udp
    login="me"
    passwd="geheim"
    secret="auch"
`;

let lab: Checkout;
beforeAll(() => {
  lab = checkout("exit 255");
  writeFileSync(join(lab.elsewhere, "ldirectord.cf"), CF);
  writeFileSync(join(lab.elsewhere, "keepalived.conf"), "include services/*.conf\n");
});
afterAll(() => lab.remove());

const missing = ["/usr/sbin/ldirectord", "/usr/bin/perl"].find((path) => !existsSync(path));

describe.skipIf(missing)(`import${missing ? ` (skipped: no ${missing})` : ""}`, () => {
  it("writes the stack's file, which is accepted, says what is not taken over, and overwrites nothing", async () => {
    const { code, stdout, stderr } = await lab.run("import", "ldirectord.cf", "--stack", "prod");
    const file = join(lab.directory, "Pulumi.prod.yaml");
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("line 2: real=web1:80 masq: masq becomes gate: a lab is Direct Routing\n");
    expect(stderr).toContain("web1: web1 is 192.168.6.11 in the lab\n");
    expect(stderr).toContain("Pulumi.prod.yaml: 8 lines taken over, 1 left or changed");
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# yaml-language-server: $schema=schema/Pulumi.stack.schema.json\n");
    expect(text).toMatch(/^# +line 2: real=web1:80 masq: masq becomes gate/m);
    expect(text).toMatch(/^# +web1: web1 is 192\.168\.6\.11/m);
    expect(statSync(file).mode & 0o077).toBe(0);
    const imported = openLab("lvs-dr", { stack: "prod", configFile: file });
    expect(imported.services).toMatchObject([
      { vip: "192.168.6.240" },
      { vip: "192.168.6.240", check: { passwd: "geheim" } },
    ]);
    const again = await lab.run("import", "ldirectord.cf", "--stack", "prod");
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Pulumi.prod.yaml is there already"),
    });
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("counts lines, of which one may have several reasons", async () => {
    writeFileSync(join(lab.elsewhere, "two.cf"), "virtual=192.168.6.240:80\n    real=192.168.6.2:81 masq\n");
    const { stderr } = await lab.run("import", "two.cf", "--stack", "two");
    expect(stderr.match(/^line 2: /gm)).toHaveLength(2);
    expect(stderr).toContain("Pulumi.two.yaml: 1 line taken over, 1 left or changed");
  });

  it("prints one JSON value, and writes where --config-file says", async () => {
    const { code, stdout } = await lab.run(
      "import",
      "ldirectord.cf",
      "-s",
      "x",
      "--config-file",
      "x.yaml",
      "--json",
    );
    const file = join(lab.elsewhere, "x.yaml");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      file,
      stack: "x",
      taken: [1, 3, 4, 5, 6, 7, 8, 9].map((line) => ({ line, text: expect.any(String) })),
      left: [{ line: 2, text: "real=web1:80 masq", reason: "masq becomes gate: a lab is Direct Routing" }],
      mapped: [{ what: "web1", from: "web1", to: "192.168.6.11" }],
      paired: [],
      chosen: [],
      needs: [expect.stringContaining("give it a workload")],
    });
    expect(stdout).not.toMatch(/geheim|auch/);
    expect(parse(readFileSync(file, "utf8"))).toHaveProperty(["config", "lvs-dr:vip"], "192.168.6.240");
  });

  it("takes a keepalived.conf of both families, with what bears a mark in each", async () => {
    const service = (six: boolean): string =>
      `virtual_server fwmark 7 {\n lb_kind DR\n ip_family inet${six ? "6" : ""}\n real_server ${six ? "fd00:7::5" : "192.168.7.5"} {\n  TCP_CHECK {\n   connect_port 80\n  }\n }\n}\n`;
    writeFileSync(join(lab.elsewhere, "six.conf"), service(false) + service(true));
    const marks = ["--mark", "7=10.0.0.1:80,443", "--mark", "7=[fd00:10::1]:80,443"];
    const { code, stderr } = await lab.run("import", "six.conf", "--stack", "six", ...marks);
    expect([code, stderr]).toEqual([0, expect.stringContaining("12 lines taken over, 0 left or changed")]);
    expect(stderr).toContain("rs1: 192.168.7.5 and fd00:7::5 are taken for one machine's\n");
    const file = join(lab.directory, "Pulumi.six.yaml");
    expect(readFileSync(file, "utf8")).toMatch(/^# +rs1: 192\.168\.7\.5 and fd00:7::5$/m);
    const { mode, services } = openLab("lvs-dr", { stack: "six", configFile: file });
    expect([mode, services.map(({ vip, mark }) => [vip, mark])]).toEqual([
      "keepalived",
      [
        ["10.0.0.1", 7],
        ["fd00:10::1", 7],
      ],
    ]);
    // Without the service of IPv4, and with a peer, the lab chooses what the file does not say.
    const instance = "vrrp_instance V {\n virtual_ipaddress {\n  fd00:10::1/64\n }\n}\n";
    writeFileSync(join(lab.elsewhere, "alone.conf"), instance + service(true));
    const alone = await lab.run("import", "alone.conf", "--stack", "alone", ...marks.slice(2), "--json");
    const chosen = ["director2: 192.168.7.29 and fd00:7::29", "rs1: 192.168.7.11 beside fd00:7::5"];
    expect(JSON.parse(alone.stdout)).toMatchObject({ paired: [], chosen });
    for (const each of chosen) {
      expect(alone.stderr).toContain(`${each}: the lab's choice\n`);
      expect(readFileSync(join(lab.directory, "Pulumi.alone.yaml"), "utf8")).toContain(`#   ${each}\n`);
    }
    const bare = await lab.run("import", "six.conf", "--stack", "none", "--mark", "7=fd00:10::1:80");
    expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining("write MARK=VIP:PORTS") });
  });

  it("says which file cannot be written, and why, and which name is none", async () => {
    const to = (file: string) => lab.run("import", "ldirectord.cf", "--stack", "w", "--config-file", file);
    const absent = join(lab.elsewhere, "nosuch", "x.yaml");
    expect(await to(absent)).toMatchObject({
      code: 1,
      stderr: `error: ${absent} cannot be written: its directory is not there\n`,
    });
    expect((await to("")).stderr).toContain("name a file");
    expect((await lab.run("import", "", "--stack", "w")).stderr).toContain("name a file");
  });

  it("takes a file of 1 MiB, and no longer one", async () => {
    const long = (bytes: number): string => CF + `#${"x".repeat(78)}\n`.repeat(bytes / 80).slice(CF.length);
    const mebibyte = 1024 * 1024;
    writeFileSync(join(lab.elsewhere, "long.cf"), long(mebibyte));
    writeFileSync(join(lab.elsewhere, "longer.cf"), `${long(mebibyte)}${"#".repeat(80)}\n`);
    expect(await lab.run("import", "long.cf", "--stack", "long")).toMatchObject({ code: 0 });
    expect(await lab.run("import", "longer.cf", "--stack", "longer")).toMatchObject({
      code: 1,
      stderr: "error: longer.cf is longer than 1024 KiB\n",
    });
  });

  it("tells a file that includes itself, and what an empty one lacks, in JSON too", async () => {
    writeFileSync(join(lab.elsewhere, "self.conf"), "include self.conf\n");
    const self = await lab.run("import", "self.conf", "--stack", "none");
    expect(self.stderr).toContain("line 1: include self.conf: includes its own file\n");
    expect(self.stderr.match(/self\.conf: /g)).toHaveLength(1);
    writeFileSync(join(lab.elsewhere, "empty.cf"), "");
    const empty = await lab.run("import", "empty.cf", "--stack", "none", "--json");
    expect([empty.code, empty.stderr]).toEqual([
      1,
      "error: no service can be taken over: the file says nothing\n",
    ]);
    expect(JSON.parse(empty.stdout)).toEqual({
      stack: "none",
      taken: [],
      left: [],
      mapped: [],
      paired: [],
      chosen: [],
      needs: [],
    });
  });

  it("ends with 1, and writes nothing, where there is nothing to take over", async () => {
    const none = await lab.run("import", "keepalived.conf", "--stack", "none");
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toContain("line 1: include services/*.conf: names no file that is there");
    const absent = await lab.run("import", "nosuch.cf", "--stack", "none");
    expect(absent).toMatchObject({ code: 1, stderr: "error: nosuch.cf is not there\n" });
    writeFileSync(join(lab.elsewhere, "bom.cf"), `\uFEFF${CF}`);
    const marked = await lab.run("import", "bom.cf", "--stack", "none");
    expect(marked.stderr).toContain("bom.cf begins with a byte order mark");
    for (const mark of ["1=here:80", "0=10.0.0.1:80", "1=127.0.0.1:80", "4294967296=10.0.0.1:80"])
      expect(await lab.run("import", "ldirectord.cf", "--stack", "none", "--mark", mark)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("write MARK=VIP:PORTS"),
      });
    expect(existsSync(join(lab.directory, "Pulumi.none.yaml"))).toBe(false);
  });

  it("refuses a mark that the file has not, or that is said twice", async () => {
    writeFileSync(join(lab.elsewhere, "mark.cf"), "virtual=7\n    real=192.168.6.2 gate\n    service=http\n");
    const of = (...marks: string[]) =>
      lab.run("import", "mark.cf", "--stack", "none", ...marks.flatMap((each) => ["--mark", each]));
    for (const [other, title] of [
      ["8=10.0.0.1:80", "mark 8"],
      ["7=[fd00:10::1]:80", "mark 7 in IPv6"],
    ] as const)
      expect(await of("7=10.0.0.1:80", other)).toMatchObject({
        code: 1,
        stderr: `error: --mark: the file has no service by ${title}: it has mark 7\n`,
      });
    expect(await of("7=10.0.0.1:80", "7=10.0.0.2:80")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("mark 7 has been said already: name all of its ports at once"),
    });
    expect(existsSync(join(lab.directory, "Pulumi.none.yaml"))).toBe(false);
  });
});
