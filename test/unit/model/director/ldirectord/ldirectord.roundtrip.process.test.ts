/** The real ldirectord reads what the model writes, in scripts/host/ldirectord-dry-run.sh: nothing leaves the process. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { expectedTable, ipvsRestoreRules, parseIpvsSave } from "../../../../../model/director/ipvs/table";
import { compareTables } from "../../../../../model/director/ipvs/compare";
import {
  ldirectordFor,
  renderLdirectord,
  type LdirectordConf,
} from "../../../../../model/director/ldirectord/ldirectord";
import { tableFor } from "./ldirectordTable";
import { FULL } from "./fullConf";

const SCRIPT = join(__dirname, "../../../../../scripts/host/ldirectord-dry-run.sh");
const missing = ["/usr/sbin/ldirectord", "/usr/bin/perl"].find((path) => !existsSync(path));

function dryRun(text: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync("bash", [SCRIPT, "-"], { input: text, encoding: "utf8" });
}

/** The table that the daemon makes of a configuration. */
function tableOf(conf: LdirectordConf): string {
  const { status, stdout, stderr } = dryRun(renderLdirectord(conf));
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout;
}

/** What the daemon calls each real server of each service. */
function realIds(conf: LdirectordConf): string[] {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-test-"));
  const file = join(directory, "lab.cf");
  writeFileSync(file, renderLdirectord({ ...conf, options: { ...conf.options, logfile: "local0" } }));
  writeFileSync(join(directory, "ipvsadm"), "");
  const ids = `package Ids; INIT { *main::ld_main = sub {
    for my $v (@main::VIRTUAL) { print main::get_real_id_str($_, $v), "\\n" for @{$v->{real}} } } } 1;`;
  writeFileSync(join(directory, "Ids.pm"), ids);
  const { stdout } = spawnSync("/usr/sbin/ldirectord", ["-d", file, "start"], {
    cwd: directory,
    encoding: "utf8",
    env: {
      PERL5LIB: `${directory}:${join(SCRIPT, "../ldirectord-dry-run")}`,
      PERL5OPT: "-MDryRun -MIds",
      PERLIO: "perlio",
    },
  });
  rmSync(directory, { recursive: true });
  return stdout.split("\n").filter((line) => /:gate:/.test(line));
}

/** Nothing but Perl knows that these are faulty. */
const PERL_REFUSES = ["(?<=te+)st", "\\p{Foo}", "(?<name>a)\\k<other>", "(*NOSUCH)a", "(?z)a"];
const PERL_TAKES = [
  "te++st",
  "(?>te)st",
  "(?i:TEST)",
  "(?|(te)|(es))st",
  "a{,b",
  "[]x]",
  "(?<=te{1,3})st",
  "\\x{263a}*+",
];

describe.skipIf(missing)(`real ldirectord${missing ? ` (skipped: ${missing} is not installed)` : ""}`, () => {
  it("makes the article's table, and the lab's with 64 real servers, drains and further services", () => {
    const lab = parseConfig(
      {
        realServerCount: 64,
        persistent: 600,
        persistenceNetmask: "255.255.255.0",
        services: [
          {
            port: 443,
            protocol: "tcp",
            scheduler: "sh",
            schedulerFlags: ["sh-port", "sh-fallback"],
            sorryServer: false,
          },
          {
            port: 53,
            protocol: "udp",
            ops: true,
            realServers: [{ name: "rs1" }, { name: "rs64", drain: true }],
          },
          {
            port: 8080,
            quiescent: true,
            ldirectord: { comment: "spare = yes", monitorfile: "/nonexistent/log" },
          },
        ],
      },
      { project: "lvs-dr", stack: "dev" },
    );
    const conf = ldirectordFor(lab);
    expect(tableFor(conf)).toEqual(expectedTable(lab));
    expect(compareTables(parseIpvsSave(tableOf(conf)), expectedTable(lab))).toEqual([]);
    const article = parseConfig({}, { project: "lvs-dr", stack: "dev" });
    expect(tableOf(ldirectordFor(article))).toBe(`${ipvsRestoreRules(article).join("\n")}\n`);
  });

  it("reads every option as it was meant", () => {
    const table = tableOf(FULL);
    expect(compareTables(parseIpvsSave(table), tableFor(FULL))).toEqual([]);
    // Thresholds are no part of what ipvsadm saves: the dry run appends them.
    expect(table).toContain("-r 127.0.0.20:80 -g -w 65535 -x 10 -y 5\n");
  });

  /** One service for each expression, the last of which is a real server's own. */
  function checking(patterns: readonly string[]): string {
    const virtuals = patterns.map((receive, index): LdirectordConf["virtuals"][number] => {
      const own = index === patterns.length - 1;
      const real = { address: "127.0.0.10", port: 80 + index, forward: "gate", weight: 1 } as const;
      return {
        target: { address: "127.0.0.100", port: 80 + index },
        family: 4,
        reals: [own ? { ...real, check: { request: "a", receive } } : real],
        options: { service: "http", request: "a", ...(own ? {} : { receive }) },
      };
    });
    return renderLdirectord({ options: {}, virtuals });
  }

  it("refuses what Perl does not take for an expression, all at once", () => {
    const { status, stderr } = dryRun(checking(PERL_REFUSES));
    expect(status).toBe(2);
    const last = PERL_REFUSES.length - 1;
    expect(
      stderr
        .trim()
        .split("\n")
        .map((line) => line.replace(/(regular expression): .*/, "$1")),
    ).toEqual(
      PERL_REFUSES.map(
        (text, index) =>
          `Error: receive "${text}"${index === last ? " of real server 127.0.0.10" : ""} in virtual 127.0.0.100:${80 + index} is not a regular expression`,
      ),
    );
  });

  it("takes what only Perl takes", () => {
    expect(dryRun(checking(PERL_TAKES))).toMatchObject({ status: 0, stderr: "" });
  });

  it("tells real servers of services apart that differ in their VIP alone", () => {
    const services = [
      { vip: "10.0.0.101", port: 80 },
      { vip: "10.0.0.102", port: 80, healthCheck: { checktype: "connect" } },
      { vip: "10.0.0.103", port: 80, healthCheck: { checktype: "connect" } },
    ];
    const lab = parseConfig({ services }, { project: "lvs-dr", stack: "dev" });
    const conf = ldirectordFor(lab);
    const ids = realIds(conf);
    expect(ids).toHaveLength(8);
    expect(new Set(ids).size).toBe(8);
    expect(compareTables(parseIpvsSave(tableOf(conf)), expectedTable(lab))).toEqual([]);
    // As they would be otherwise.
    const virtuals = conf.virtuals.map((block) => ({
      ...block,
      options: { ...block.options, receive: "test" },
    }));
    expect(new Set(realIds({ ...conf, virtuals })).size).toBe(4);
  });

  it("says in its own words what is wrong with a bad file", () => {
    expect(dryRun("checktimeout=3\nfoo=1\n")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: "Error reading file the file at line 2: Unknown command foo=1\n",
    });
    const refused = dryRun("virtual=127.0.0.1:80\n    real=127.0.0.2:80 gate 70000\n");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("-r 127.0.0.2:80 -g -w 70000: weight is 0 to 65535");
  });
});
