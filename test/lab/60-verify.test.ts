import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { XMLParser } from "fast-xml-parser";
import parsePrometheus from "parse-prometheus-text-format";
import { expect, it } from "vitest";
import type { Status } from "../../health/status";
import { GROUPS, type VerifyReport } from "../../verify/verify";
import { eventually, guest, lab, outputs, run } from "./support";

const directory = mkdtempSync(join(tmpdir(), "lvs-dr-verify-test-"));

it("verify proves every behaviour, with evidence, and leaves nothing behind", async () => {
  const junit = join(directory, "verify.xml");
  const result = await run(["verify", "--json", "--junit", junit]);
  const report = JSON.parse(result.stdout) as VerifyReport;
  console.log(`verify: ${report.passed} checks in ${report.seconds.toFixed(1)} s`);
  expect(report.checks.filter(({ status }) => status === "fail")).toEqual([]);
  expect(result.code).toBe(0);
  expect([...new Set(report.checks.map(({ group }) => group))].sort()).toEqual([...GROUPS].sort());
  for (const { status, evidence } of report.checks) {
    expect(evidence.seen).not.toBe("");
    if (status === "pass") expect(evidence.command).not.toBe("");
  }
  const shares = report.checks.find(({ name }) => name === "weights.main.shares");
  expect(shares?.evidence.expected).toMatch(/binomial/);

  const parsed = new XMLParser({ ignoreAttributes: false }).parse(readFileSync(junit, "utf8")) as {
    testsuites: Record<string, string>;
  };
  expect(Number(parsed.testsuites["@_tests"])).toBe(report.checks.length);
  expect(parsed.testsuites["@_failures"]).toBe("0");

  const left = await guest(
    "director",
    "nft list tables; ipvsadm -Sn | grep -- ' -f ' || true; ls /run | grep -E 'lvs-dr-(capture|diagnosis)' || true",
  );
  expect(left.trim()).toBe("");
});

it("verify refuses a group that does not exist", async () => {
  const result = await run(["verify", "weight"]);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain("no group of checks is called 'weight'; there are guests, hosts, reach");
});

it("status tells counters, detection budget, and a checker that is alive, current and checking", async () => {
  const { stdout, seconds } = await lab(["status", "--json"]);
  const status = JSON.parse(stdout) as Status;
  console.log(`status: ${seconds.toFixed(1)} s`);
  expect(status).toMatchObject({
    status: "healthy",
    checker: { alive: true, configCurrent: true, checking: true, problems: [] },
    detection: [{ service: "main", refused: 3, silent: 6, allSilent: 9 }],
  });
  const [service] = status.counters.services;
  expect(service?.connections).toBeGreaterThan(0);
  expect(service?.realServers.map(({ name }) => name)).toEqual(["rs1", "rs2"]);
  expect(status.counters.total?.connections).toBeGreaterThanOrEqual(service?.connections ?? Infinity);
});

it("status speaks Prometheus, as a parser of its own and promtool, where there is one, agree", async () => {
  const { stdout } = await lab(["status", "--prometheus"]);
  const metrics = parsePrometheus(stdout);
  const one = (name: string): string | undefined =>
    metrics.find((metric) => metric.name === name)?.metrics[0]?.value;
  expect(Number(one("node_ipvs_connections_total"))).toBeGreaterThan(0);
  expect(one("lvsdr_checker_checking")).toBe("1");
  const weights = metrics.find(({ name }) => name === "node_ipvs_backend_weight")?.metrics ?? [];
  expect(weights.map(({ value }) => value).sort()).toEqual(["1", "3"]);
  const info = metrics.find(({ name }) => name === "lvsdr_info")?.metrics[0]?.labels;
  expect(info?.image_digest).toBe((await outputs()).imageDigest);
  expect(Object.keys(weights[0]?.labels ?? {}).sort()).toEqual([
    "local_address",
    "local_mark",
    "local_port",
    "proto",
    "remote_address",
    "remote_port",
  ]);
  try {
    execFileSync("promtool", ["check", "metrics"], { input: stdout, stdio: "pipe" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
});

it("status sees a checker that is stopped, and one whose configuration changed under it", async () => {
  const unit = "lvs-dr-ldirectord.service";
  const checker = async (): Promise<Status["checker"]> =>
    (JSON.parse((await run(["status", "--json"])).stdout) as Status).checker;
  await guest("director", `systemctl kill -s STOP ${unit}`);
  try {
    expect(await checker()).toMatchObject({ alive: false });
    // No check for longer than detection takes: told by what the real servers remember, not by the process.
    await eventually(60, async () => expect(await checker()).toMatchObject({ checking: false }));
  } finally {
    await guest("director", `systemctl kill -s CONT ${unit}`);
  }
  await guest("director", "touch /etc/ha.d/ldirectord.cf");
  try {
    const seen = await eventually(10, async () => {
      const now = await checker();
      expect(now?.configCurrent).toBe(false);
      return now;
    });
    expect(seen).toMatchObject({ alive: true });
    expect(seen?.problems.join()).toContain("ldirectord.cf changed");
  } finally {
    await guest("director", `systemctl reload ${unit}`);
  }
  await eventually(60, async () =>
    expect(await checker()).toMatchObject({ alive: true, configCurrent: true }),
  );
});

it("a real server whose part is stopped is withdrawn until it is started again", async () => {
  const status = async (): Promise<Status> => JSON.parse((await run(["status", "--json"])).stdout) as Status;
  // Twice, as everything may run twice.
  await guest("rs1", "lvs-dr stop && lvs-dr stop");
  try {
    await eventually(30, async () => {
      const { problems, services } = await status();
      expect(problems).toContain("rs1: withdrawn from its health check: lvs-dr is stopped here");
      expect(services[0]?.realServers[0]).toMatchObject({ name: "rs1", state: "down" });
    });
    // A check that fails is told by the exit status, with what was seen; once, since it stays so.
    const { code, stdout } = await run(["verify", "table", "--deadline", "0"]);
    expect({ code, stdout }).toMatchObject({ code: 1 });
    expect(stdout).toMatch(/^FAIL the kernel's table[^]*rs1[^]*^NOT verified: \d+ passed, 1 failed/m);
    const left =
      "ls /etc/systemd/system/lvs-dr-guard.service /etc/tmpfiles.d/lvs-dr-guard.conf 2>/dev/null || true";
    expect(await guest("rs1", left)).toBe("");
  } finally {
    await guest("rs1", "lvs-dr start");
  }
  await eventually(30, async () => expect(await status()).toMatchObject({ status: "healthy", problems: [] }));
});

it("the records of a run do not outlive the test", () => {
  rmSync(directory, { recursive: true });
});
