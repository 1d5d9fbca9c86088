import { describe, expect, it } from "vitest";
import { judgeChecker, parseChecker, parseCheckSight, type CheckSight } from "../../../verify/checker";
import { LAB, STATUS } from "./fixtures";

const SECTION = `up 700.00
process 256 S 10000 /usr/bin/perl -w /usr/sbin/ldirectord /etc/ha.d/ldirectord.cf start
process 458 S 10500 ldirectord tcp:10.0.0.100:80 checking 192.168.7.10
process 460 R 69990 ipvsadm -Ln
file /etc/ha.d/ldirectord.cf 1000350
file /run/lvs-dr-reloaded 1000360
now 1001000
`;
const servers = (STATUS.services[0]?.realServers ?? []).map((server) => ({
  ...server,
  state: "up" as const,
}));
const sights = (rs1: CheckSight, rs2: CheckSight): Map<string, CheckSight> =>
  new Map([
    ["rs1", rs1],
    ["rs2", rs2],
  ]);
const fresh: CheckSight = { lastCheck: 1, full: false };

describe("what a real server remembers", () => {
  const line = (local: string, remote: string, timer: string): string =>
    `0      0      192.168.7.10:${local} 192.168.7.30:${remote} timer:(timewait,${timer},0)  \n`;
  it.each([
    ["59sec", 1],
    ["5.492ms", 54.508],
    ["740ms", 59.26],
    ["1min", 0],
  ])("a timer of %s", (timer, seconds) => {
    expect(parseCheckSight(`remembered 5 of 2048\n${line("80", "40000", timer)}`, 80).lastCheck).toBeCloseTo(
      seconds,
    );
  });
  it("takes the youngest, and no port but the checked one, and none of the diagnosis's", () => {
    const text =
      line("80", "40000", "20sec") +
      line("80", "40002", "31sec") +
      line("443", "40004", "59sec") +
      line("80", "61007", "59sec");
    expect(parseCheckSight(`remembered 5 of 2048\n${text}`, 80)).toEqual({ lastCheck: 29, full: false });
  });
  it("knows nothing when nothing is left, and says when there is no room", () => {
    expect(parseCheckSight("remembered 0 of 2048\n", 80)).toEqual({ full: false });
    expect(parseCheckSight("remembered 2048 of 2048\n", 80)).toEqual({ full: true });
  });
});

describe("the checker", () => {
  const judge = (section: string, seen = sights(fresh, fresh)) =>
    judgeChecker(LAB, parseChecker(section), seen, servers);
  it("is alive, current and checking", () => {
    expect(judge(SECTION)).toMatchObject({ alive: true, configCurrent: true, checking: true, problems: [] });
  });
  it.each([
    ["not running", "up 700.00\n", "does not run"],
    ["stopped", SECTION.replace("458 S", "458 T"), "process 458 is stopped"],
    [
      "without its service's process",
      SECTION.replace(/^process 458.*\n/m, ""),
      "no process for service main",
    ],
  ])("is %s", (_what, section, problem) => {
    const seen = judge(section);
    expect(seen.alive).toBe(false);
    expect(seen.problems.join()).toContain(problem);
  });
  it("runs on an old file when that changed after it was read", () => {
    const seen = judge(SECTION.replace("ldirectord.cf 1000350", "ldirectord.cf 1000980"));
    expect(seen).toMatchObject({ alive: true, configCurrent: false });
  });
  it("is frozen when a server that is up has not been checked for longer than detection takes", () => {
    const seen = judge(SECTION, sights(fresh, { lastCheck: 40, full: false }));
    expect(seen.checking).toBe(false);
    expect(seen.problems.join()).toContain("does not check rs2 (last 40 s ago)");
    expect(judge(SECTION, sights(fresh, { full: false })).problems.join()).toContain("none for 60 s");
  });
  it("cannot be told to check where nothing is remembered or nobody is up", () => {
    expect(judge(SECTION, sights({ full: true }, { full: true })).checking).toBeNull();
    const down = servers.map((server) => ({ ...server, state: "down" as const }));
    const seen = judgeChecker(LAB, parseChecker(SECTION), sights({ full: false }, { full: false }), down);
    expect(seen.checking).toBeNull();
  });
});
