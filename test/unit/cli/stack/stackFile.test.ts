import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastApplied, recordApplied } from "../../../../cli/stack/applied";
import { readStackConfig, secretKeys, stackFile } from "../../../../cli/stack/stackFile";
import { openLab, stackLab } from "../../../../cli/stack/stackLab";
import { parseConfig } from "../../../../model/config/config";

const home = process.cwd();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "lvs-dr-stack-"));
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

function write(stack: string, text: string): void {
  writeFileSync(stackFile(stack), text);
}

describe("readStackConfig", () => {
  it("hands values over as Pulumi does: text as it is, everything else as JSON", () => {
    write(
      "values",
      [
        "config:",
        "  lvs-dr:vip: 10.0.0.100",
        "  lvs-dr:port: 8080",
        "  lvs-dr:quiescent: true",
        '  lvs-dr:port2: "8080"',
        "  lvs-dr:realServers: [{ name: a, weight: 2 }, { name: b }]",
        "  other:key: 1",
      ].join("\n"),
    );
    expect(readStackConfig("Pulumi.values.yaml")).toEqual({
      "lvs-dr:vip": "10.0.0.100",
      "lvs-dr:port": "8080",
      "lvs-dr:quiescent": "true",
      "lvs-dr:port2": "8080",
      "lvs-dr:realServers": '[{"name":"a","weight":2},{"name":"b"}]',
      "other:key": "1",
    });
  });

  it.each(["", "config:\n", "encryptionsalt: v1:x\n", "config: {}\n"])("is empty for %j", (text) => {
    write("empty", text);
    expect(readStackConfig("Pulumi.empty.yaml")).toEqual({});
  });

  it("is empty without a file", () => expect(readStackConfig("Pulumi.none.yaml")).toEqual({}));

  it("says who can read an encrypted value", () => {
    write("sealed", "config:\n  lvs-dr:healthCheck:\n    secure: v1:abc\n");
    expect(() => readStackConfig("Pulumi.sealed.yaml")).toThrow(
      "Pulumi.sealed.yaml: lvs-dr:healthCheck is encrypted: only the Pulumi CLI can read it (--engine pulumi)",
    );
    write("inside", "config:\n  lvs-dr:healthCheck: { passwd: { secure: v1:abc } }\n");
    expect(() => readStackConfig("Pulumi.inside.yaml")).toThrow("lvs-dr:healthCheck is encrypted");
    expect(["sealed", "inside", "values"].map((stack) => secretKeys(stackFile(stack)))).toEqual([
      ["lvs-dr:healthCheck"],
      ["lvs-dr:healthCheck"],
      [],
    ]);
  });
});

describe("stackLab", () => {
  it("is the lab that the program would see", () => {
    write(
      "lab",
      "config:\n  lvs-dr:realServerCount: 3\n  lvs-dr:client: { name: laptop }\n  other:vip: nonsense\n",
    );
    expect(openLab("lvs-dr", { stack: "lab" })).toEqual(
      parseConfig({ realServerCount: "3", client: '{"name":"laptop"}' }, { project: "lvs-dr", stack: "lab" }),
    );
  });

  it("refuses keys in a namespace that is nearly the project's, and leaves other programs' alone", () => {
    const keys = [
      "lvsdr:vip",
      "lvs_dr:port",
      "LVS-DR:scheduler",
      "libvirt:uri",
      "pulumi:tags",
      "lvs-dr:port",
    ];
    write("near", `config: { ${keys.map((key) => `"${key}": s3cret`).join(", ")} }`);
    const refused = (near: string, key: string): string =>
      `  ${near}:${key}: is in a namespace that nothing reads, did you mean lvs-dr:${key}. ` +
      `Fix: write lvs-dr:${key}, or remove it.`;
    let message = "";
    try {
      openLab("lvs-dr", { stack: "near" });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message.split("\n").slice(1).sort()).toEqual(
      [
        refused("LVS-DR", "scheduler"),
        '  port = "s3cret": must be an integer from 1 to 65535, not SSH\'s 22. Fix: choose 1 to 65535, written without quotes.',
        refused("lvs_dr", "port"),
        refused("lvsdr", "vip"),
      ].sort(),
    );
  });

  it("has its names and addresses without what is encrypted, and everything with it", () => {
    const check = "checktype: negotiate, service: mysql, database: db, login: me, request: select 1";
    write(
      "secret",
      [
        "config:",
        "  lvs-dr:vip: 10.0.0.77",
        `  lvs-dr:healthCheck: { ${check}, passwd: { secure: v1:abc } }`,
        "  lvs-dr:realServerCount: { secure: v1:abc }",
        "  lvs-dr:workloads: [{ name: own }]",
        "  lvs-dr:services: [{ name: main, workload: own }]",
      ].join("\n"),
    );
    const open = openLab("lvs-dr", { stack: "secret" });
    expect([open.services[0].vip, open.realServers.length]).toEqual(["10.0.0.77", 2]);
    expect(open.services[0].check).toMatchObject({ login: "me", passwd: "encrypted" });
    const whole = stackLab("lvs-dr", "secret", { "lvs-dr:realServerCount": "3", "other:vip": "nonsense" });
    expect(whole.realServers).toHaveLength(3);
  });

  it("is that of the file that was named, not of the stack's own", () => {
    write("named", "config:\n  lvs-dr:vip: 10.0.0.1\n");
    writeFileSync("other.yaml", "config:\n  lvs-dr:vip: 10.0.0.2\n");
    const lab = openLab("lvs-dr", { stack: "named", configFile: "other.yaml" });
    expect([lab.services[0].vip, lab.stack]).toEqual(["10.0.0.2", "named"]);
  });

  it("is the article's without a file, and refuses what the program refuses", () => {
    expect(openLab("lvs-dr", { stack: "none" })).toEqual(
      parseConfig({}, { project: "lvs-dr", stack: "none" }),
    );
    write("bad", "config:\n  lvs-dr:vip: here\n");
    expect(() => openLab("lvs-dr", { stack: "bad" })).toThrow("vip");
  });
});

describe("the last applied lab", () => {
  it("comes back as it was recorded, unreadable for others", () => {
    const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });
    expect(lastApplied("dev")).toBeUndefined();
    recordApplied("dev", lab);
    expect(lastApplied("dev")).toEqual(lab);
    expect(statSync("dev").mode & 0o777).toBe(0o700);
    expect(statSync("dev/lab.json").mode & 0o777).toBe(0o600);
  });
});
