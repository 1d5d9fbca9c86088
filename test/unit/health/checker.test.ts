import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { judgeChecker, parseChecker } from "../../../health/checker";
import { checkSightScript, parseCheckSight, type CheckSight } from "../../../health/checkSight";
import type { CheckerDaemon } from "../../../model/director/controlPlane";
import { LDIRECTORD } from "../../../model/director/ldirectord/plane";
import { LAB, STATUS } from "../report/fixtures";

const SECTION = `up 700.00
process 256 S 10000 /usr/bin/perl -w /usr/sbin/ldirectord /etc/ha.d/ldirectord.cf start
process 458 S 10500 ldirectord tcp:10.0.0.100:80 checking 192.168.7.10
process 460 R 69990 ipvsadm -Ln
file /etc/ha.d/ldirectord.cf 1000350
file /run/lvs-dr-reloaded 1000360
now 1001000
`;
const DAEMON = LDIRECTORD.daemon as CheckerDaemon;
const withState = (state: "up" | "down") =>
  STATUS.services.map((service) => ({
    ...service,
    realServers: service.realServers.map((server) => ({ ...server, state })),
  }));
const services = withState("up");
const sights = (rs1: CheckSight, rs2: CheckSight): Map<string, CheckSight>[] => [
  new Map([
    ["rs1", rs1],
    ["rs2", rs2],
  ]),
];
const fresh: CheckSight = { lastCheck: 1, full: false };

describe("what a real server remembers", () => {
  const DIP = "192.168.7.30";
  const line = (local: string, remote: string, timer: string): string =>
    `0      0      192.168.7.10:${local} ${DIP}:${remote} timer:(timewait,${timer},0)  \n`;
  it.each([
    ["59sec", 1],
    ["5.492ms", 54.508],
    ["740ms", 59.26],
    ["1min", 0],
  ])("a timer of %s", (timer, seconds) => {
    expect(
      parseCheckSight(`remembered 5 of 2048\n${line("80", "40000", timer)}`, 80, DIP).lastCheck,
    ).toBeCloseTo(seconds);
  });
  it("takes the youngest, and no port but the checked one, and none of the diagnosis's", () => {
    const text =
      line("80", "40000", "20sec") +
      line("80", "40002", "31sec") +
      line("443", "40004", "59sec") +
      line("80", "61007", "59sec");
    expect(parseCheckSight(`remembered 5 of 2048\n${text}`, 80, DIP)).toEqual({
      lastCheck: 29,
      every: 11,
      full: false,
    });
  });
  it("takes a check of one family for no check of the other", () => {
    const text =
      line("80", "40000", "50sec") +
      "0 0 [fd00:7::10]:80 [fd00:7::30]:40002 timer:(timewait,20sec,0)\n" +
      "0 0 [::ffff:192.168.7.10]:81 [::ffff:192.168.7.30]:40004 timer:(timewait,55sec,0)\n";
    const last = (port: number, dip: string): number | undefined =>
      parseCheckSight(text, port, dip).lastCheck;
    expect([last(80, DIP), last(80, "fd00:7::30"), last(81, DIP)]).toEqual([10, 40, 5]);
    expect(checkSightScript([DIP, "fd00:7::30"], "checks")).toContain(
      "'( dst 192.168.7.30 or dst [fd00:7::30] )'",
    );
  });
  it("tells how often it was checked, on average", () => {
    const text = ["5.500ms", "23sec", "41sec"]
      .map((timer, i) => line("80", String(40000 + i), timer))
      .join("");
    expect(parseCheckSight(text, 80, DIP).every).toBeCloseTo(17.75);
    expect(parseCheckSight(line("80", "40000", "41sec"), 80, DIP)).not.toHaveProperty("every");
  });
  it("knows nothing when nothing is left, and says when there is no room", () => {
    expect(parseCheckSight("remembered 0 of 2048\n", 80, DIP)).toEqual({ full: false });
    expect(parseCheckSight("remembered 2048 of 2048\n", 80, DIP)).toEqual({ full: true });
  });
});

describe("the checker", () => {
  const judge = (section: string, seen = sights(fresh, fresh)) =>
    judgeChecker(LAB, DAEMON, parseChecker(section, DAEMON), seen, services).checker;
  it("has nothing to show yet when it has just started", () => {
    const young = SECTION.replace("256 S 10000", "256 S 69000").replace("458 S 10500", "458 S 69100");
    const none: CheckSight = { full: false };
    expect(judge(young, sights(none, none))).toMatchObject({ alive: true, checking: null, problems: [] });
    // It forks after its first round of checks.
    const unforked = young.replace(/^process 458.*\n/m, "");
    expect(judge(unforked, sights(none, none))).toMatchObject({
      alive: true,
      configCurrent: true,
      problems: [],
    });
    expect(judge(SECTION, sights(none, none))).toMatchObject({ checking: false });
    // Its children may be young for ever.
    const respawned = SECTION.replace("process 458 S 10500", "process 458 S 69900");
    expect(judge(respawned, sights(none, none))).toMatchObject({ checking: false });
  });
  it("is alive, current and checking", () => {
    expect(judge(SECTION)).toMatchObject({ alive: true, configCurrent: true, checking: true, problems: [] });
  });
  it.each([
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
  it("is not alive without processes, which the director's own script names", () => {
    const stale: CheckSight = { lastCheck: 50, full: false };
    expect(judge("up 700.00\n", sights(stale, stale))).toMatchObject({
      alive: false,
      checking: false,
      problems: [],
    });
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
    const nothing = sights({ full: false }, { full: false });
    const seen = judgeChecker(LAB, DAEMON, parseChecker(SECTION, DAEMON), nothing, withState("down")).checker;
    expect(seen.checking).toBeNull();
  });

  const autoreload = (fork: boolean) => ({
    ...LAB,
    ldirectord: { ...LAB.ldirectord, autoreload: true, fork },
  });
  const CHANGED = SECTION.replace("ldirectord.cf 1000350", "ldirectord.cf 1000980");
  it.each([
    ["older than the daemon and its last reload", false, SECTION.replace("1000350", "1000100"), true],
    ["older than every service's process", true, SECTION, true],
    ["changed since, which it may have noticed or not", false, CHANGED, null],
    ["changed since the services' processes began", true, CHANGED, null],
  ])("reads by itself with autoreload: a file %s (fork %s)", (_what, fork, section, current) => {
    const seen = judgeChecker(
      autoreload(fork),
      DAEMON,
      parseChecker(section, DAEMON),
      sights(fresh, fresh),
      services,
    ).checker;
    expect(seen).toMatchObject({ alive: true, configCurrent: current, problems: [] });
  });

  it("has rounds as long as the real servers see them, beside the configured pause", () => {
    const round = (rs1: CheckSight, rs2: CheckSight) => judge(SECTION, sights(rs1, rs2)).roundSeconds;
    const configured = LAB.services[0].check.checkinterval;
    expect(round({ ...fresh, every: 17.96 }, { ...fresh, every: 18.04 })).toEqual({
      main: { configured, measured: 18 },
    });
    expect(round(fresh, fresh)).toEqual({ main: { configured, measured: null } });
    expect(round({ ...fresh, every: 0.1, full: true }, fresh)).toEqual({
      main: { configured, measured: null },
    });
  });

  it.each([
    { port: 443 },
    { port: 443, healthCheck: { checktype: "connect" } },
    { port: 443, healthCheck: { checktype: 3, service: "http" } },
  ])("tells nothing of checks whose connections the director closes first: %j", (check) => {
    const tls = parseConfig({ services: [{ name: "main", ...check }] }, { project: "lvs-dr", stack: "unit" });
    const never = sights({ full: false }, { full: false });
    const seen = judgeChecker(
      tls,
      DAEMON,
      parseChecker(SECTION.replace(":80 ", ":443 "), DAEMON),
      never,
      services,
    ).checker;
    expect(seen).toMatchObject({ alive: true, checking: null, problems: [] });
  });

  describe("with two services, a process each", () => {
    const two = parseConfig(
      { services: [{ name: "alt", port: 8080, healthCheck: { service: "http", checktype: "negotiate" } }] },
      { project: "lvs-dr", stack: "unit" },
    );
    const both = SECTION.replace(
      /^(process 458.*)$/m,
      "$1\nprocess 459 S 10500 ldirectord tcp:10.0.0.100:8080 checking 192.168.7.10",
    );
    const seen = (section: string, main: CheckSight, alt: CheckSight, lab = two) =>
      judgeChecker(
        lab,
        DAEMON,
        parseChecker(section, DAEMON),
        [...sights(main, main), ...sights(alt, alt)],
        [...services, ...services],
      ).checker;
    it("is checking when both are", () => {
      expect(seen(both, fresh, fresh)).toMatchObject({
        alive: true,
        checking: true,
        lastCheckSeconds: { main: { rs1: 1, rs2: 1 }, alt: { rs1: 1, rs2: 1 } },
      });
    });
    it("has rounds of its own for each, unless both check one port", () => {
      const sight = { ...fresh, every: 3 };
      expect(seen(both, sight, { ...fresh, every: 5 }).roundSeconds).toMatchObject({
        main: { measured: 3 },
        alt: { measured: 5 },
      });
      const [main, alt] = two.services;
      const shared = {
        ...two,
        services: [main, { ...alt!, check: { ...alt!.check, checkport: 80 } }],
      } as typeof two;
      expect(seen(both, sight, sight, shared).roundSeconds).toMatchObject({
        main: { measured: null },
        alt: { measured: null },
      });
    });
    it("is frozen when the second is, however well the first is checked", () => {
      const { checking, problems } = seen(both, fresh, { full: false });
      expect(checking).toBe(false);
      expect(problems.join()).toContain(
        "does not check rs1 (none for 60 s), rs2 (none for 60 s) for service alt",
      );
    });
    it("is not alive without the second's process", () => {
      expect(seen(SECTION, fresh, fresh).problems).toEqual([
        "director: ldirectord has no process for service alt",
      ]);
    });
    it("cannot tell whose check it was where both ask the same port, but none is none", () => {
      const [main, alt] = two.services;
      if (alt === undefined) throw new Error("two services");
      const same = { ...two, services: [main, { ...alt, check: { ...alt.check, checkport: 80 } }] as const };
      expect(seen(both, fresh, fresh, same).checking).toBeNull();
      expect(seen(both, { full: false }, { full: false }, same).checking).toBe(false);
      const single = { ...same, ldirectord: { ...same.ldirectord, fork: false } };
      expect(seen(both, fresh, fresh, single).checking).toBe(true);
    });
  });
});
