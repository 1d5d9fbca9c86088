/**
 * ldirectord's traps in what it does with its file and its table, shown on the daemon itself: closed with the options and commands of the director's unit, and open with upstream's
 * defaults, so that each test can fail.
 */
import { describe, expect, it } from "vitest";
import { ipvsRestoreRules } from "../../model/director/ipvs/table";
import { ldirectordFor, renderLdirectord } from "../../model/director/ldirectord/ldirectord";
import { labOf, type Fleet, type Options } from "./support/fleet";
import { pause, slowness, until } from "./support/table";
import {
  bad,
  budget,
  CF,
  commands,
  fleetOf,
  globally,
  hup,
  settled,
  text,
  TWO,
  UPSTREAM,
  web,
} from "./support/trap";

describe("trap T1: a bad file", () => {
  it("written by hand is not read by a reload, and checks go on", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    fleet.daemon.configure(bad(fleet));
    expect(fleet.daemon.reload()).toBe(false);
    await fleet.member("web/1").process.kill();
    await fleet.member("web/1").out(budget(fleet));
    // Nor does it freeze the checks of who sends the signal by hand, past the unit.
    hup(fleet);
    await fleet.member("web/2").process.kill();
    await fleet.member("web/2").out(budget(fleet) + 2);
    fleet.daemon.configure(text(fleet));
    expect(fleet.daemon.reload()).toBe(true);
    fleet.member("web/2").start();
    await fleet.member("web/2").in(10);
  });

  it("freezes the checks with autoreload in one process (open without our options)", async () => {
    const fleet = await fleetOf(TWO, { change: UPSTREAM, daemon: "later" });
    fleet.daemon.start();
    await settled(fleet);
    // The file as it was at the daemon's first look is what later ones are compared with.
    await pause(3);
    fleet.daemon.configure(bad(fleet));
    await pause(4);
    await fleet.member("web/1").process.kill();
    expect(await fleet.member("web/1").keeps(2 * budget(fleet))).toBe(true);
    expect(fleet.member("web/1").weight).toBe(3);
  });

  it("that is empty does not empty the table", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    const before = fleet.daemon.changes.length;
    fleet.daemon.configure("");
    expect(fleet.daemon.reload()).toBe(false);
    await pause(2);
    expect(commands(fleet, before)).toEqual([]);
    // By hand, past the unit, it does.
    hup(fleet);
    await fleet.member("web/1").out(5);
    expect(commands(fleet, before)).toContain("-D");
  });

  it("and a good one whose time is the old one's is read", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    const gone = text(fleet).replace(/^ {4}real=192\.168\.7\.102:80.*\n/m, "");
    fleet.box.must(["touch", "-d", "@1000000000", CF]);
    fleet.daemon.configure(gone);
    fleet.box.must(["touch", "-d", "@1000000000", CF]);
    expect(fleet.daemon.reload()).toBe(true);
    await fleet.member("web/2").out(5);
  });
});

/** What a reload does, up to a command that it must end with, and 2 s more for one that it must not. */
async function reloadUntil(fleet: Fleet, last: string): Promise<string[]> {
  const before = fleet.daemon.changes.length;
  expect(fleet.daemon.reload()).toBe(true);
  await until(
    `"${last}" after a reload`,
    () => 10 * slowness(),
    () => commands(fleet, before).includes(last),
  );
  await pause(2);
  return commands(fleet, before);
}

/** What a reload does to a service with a dead server that changes nothing about it. */
async function reloadWithDeadServer(last: string, options?: Options): Promise<string[]> {
  const fleet = await fleetOf(TWO, options);
  await settled(fleet);
  await fleet.member("web/1").process.kill();
  await fleet.member("web/1").out(budget(fleet));
  return reloadUntil(fleet, last);
}

describe("trap T2: a reload", () => {
  const DEAD = "192.168.7.101:80";

  it("does not add a dead server (readdquiescent)", async () => {
    const done = await reloadWithDeadServer("-E");
    expect(done.filter((command) => command.endsWith(DEAD))).toEqual([]);
  });

  it("adds it to take it out again with upstream's default", async () => {
    const done = await reloadWithDeadServer(`-d ${DEAD}`, { change: globally({ readdquiescent: false }) });
    expect(done.filter((command) => command.endsWith(DEAD)).slice(0, 2)).toEqual([
      `-a ${DEAD}`,
      `-d ${DEAD}`,
    ]);
  });
});

describe("trap T3: a server that drains", () => {
  const DRAINED = "192.168.7.101:80";
  /** Drained in one reload; what a later one that has nothing to do with it does to its entry. */
  async function drainAndReload(last: string, quiescent?: false): Promise<string[]> {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    const model = renderLdirectord(ldirectordFor(labOf({ web: web({ count: 2, draining: 1 }) })));
    const drained = quiescent === false ? model.replace(/^( {4}quiescent)=yes$/m, "$1=no") : model;
    fleet.daemon.configure(drained);
    expect(fleet.daemon.reload()).toBe(true);
    await until(
      "weight 0",
      () => 10 * slowness(),
      () => fleet.member("web/1").weight === 0,
    );
    fleet.daemon.configure(`${drained}\n# unrelated\n`);
    return (await reloadUntil(fleet, last)).filter((command) => command.endsWith(DRAINED));
  }

  it("keeps its entry over unrelated reloads, in a service that is quiescent meanwhile", async () => {
    expect(await drainAndReload("-E")).toEqual([]);
  });

  it("loses it, and its connections, in one that is not", async () => {
    expect(await drainAndReload(`-d ${DRAINED}`, false)).toContain(`-d ${DRAINED}`);
  });
});

describe("trap T4: a cold start", () => {
  /** The first changes of the table after the daemon's start, from a table that holds what the director's script puts in, or nothing. */
  async function firstChanges(filled: boolean): Promise<string[]> {
    const fleet = await fleetOf(TWO, { daemon: "later" });
    if (filled)
      for (const rule of ipvsRestoreRules(fleet.lab))
        fleet.box.must(["ipvsadm", ...rule.trim().split(/\s+/)]);
    const before = fleet.daemon.changes.length;
    fleet.daemon.start();
    await fleet.daemon.forked(1, 30);
    await settled(fleet);
    return commands(fleet, before);
  }

  it("from the table that the director's script fills first never shows the sorry server", async () => {
    expect(await firstChanges(true)).toEqual(["-E"]);
  });

  it("from an empty table begins with it", async () => {
    const done = await firstChanges(false);
    expect(done.slice(0, 3)).toEqual(["-A", "-a 127.0.0.1:80", "-a 192.168.7.101:80"]);
    expect(done).toContain("-d 127.0.0.1:80");
  });
});
