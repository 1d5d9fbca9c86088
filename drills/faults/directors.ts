/** Faults of two directors: one of them dies, is cut off, stops in order; the other one serves on. */
import { failover, toldOfAll } from "../../failover/failover";
import { nicOn, type LabNode } from "../../model/lab/types";
import { askHolder } from "../../health/observe";
import { needsLdirectord, on, sabotageBy, startDaemonCommand, theDaemon, theDirector } from "../actions";
import type { Drill } from "../drill";
import type { DrillRun } from "../drillRun";
import { NOTHING_LOST } from "../ejection";
import {
  cutOff,
  elections,
  KEEPALIVED,
  named,
  needsPair,
  noStandby,
  observeClient,
  restorePair,
  standsBy,
  takenOver,
  theStandby,
  UNCUT,
} from "../pair";
import { Broken } from "../waiting";

/** Requests that a dying director may lose though they are repeated at once: both may fall into the gap. */
const LOST = 2;
const NO_RETRY_LOST = { lost: 0 };

const takeover = ({ promises }: DrillRun): number => promises.takeoverMs / 1000;
const handover = ({ promises }: DrillRun): number => promises.handoverMs / 1000;

/** A busy host may have made the VIP move since the run began. */
async function holderNow(run: DrillRun): Promise<LabNode> {
  await run.environment.findHolder();
  return run.director;
}

/** The run goes on with the director that holds the VIP now. */
async function follow(run: DrillRun): Promise<void> {
  await run.environment.findHolder();
  await run.watch();
}

const powerOff: Drill = {
  name: "director-power-off",
  takes: ["guests"],
  description:
    "The active of two directors loses power: the other one serves, open connections live on, and nothing changes when it returns",
  maxSeconds: 250,
  unfit: needsPair,
  async act(run) {
    const sight = await observeClient(run);
    const dead = await holderNow(run);
    const off = run.event(`${dead.name}'s power is cut`);
    await run.environment.power.off(dead.domain);
    await takenOver(run, dead, takeover(run) + 10);
    await run.sleep(3);
    run.duration("outageSeconds", sight.outage(off), takeover(run));
    await sight.flowsKept(off);
    const before = await elections(run, run.director);
    const powered = run.event(`${dead.name}'s power is back`);
    await run.environment.power.on(dead.domain);
    await standsBy(run, dead, run.promises.rebootSeconds);
    run.duration("standbyAgainSeconds", run.now - powered, run.promises.rebootSeconds);
    const changes = (await elections(run, run.director)) - before + (await elections(run, dead));
    run.figure("roleChangesOnReturn", changes, { max: 0 });
    return { lost: LOST };
  },
  restore: restorePair,
  sabotage: noStandby,
};

const stops: Drill = {
  name: "director-stops",
  description:
    "keepalived is stopped in order on the active director: the other one serves at once, open connections live on",
  maxSeconds: 120,
  unfit: needsPair,
  async act(run) {
    const sight = await observeClient(run);
    const former = await holderNow(run);
    const stopped = await run.act(
      `${former.name}'s keepalived is stopped`,
      former.name,
      `systemctl stop ${KEEPALIVED}`,
    );
    await takenOver(run, former, handover(run) + 10);
    await run.sleep(2);
    run.duration("outageSeconds", sight.outage(stopped), handover(run));
    await sight.flowsKept(stopped);
    return NO_RETRY_LOST;
  },
  restore: restorePair,
  sabotage: noStandby,
};

/** Moves the VIP as `scripts/lab failover` does. */
async function moved(run: DrillRun): Promise<void> {
  const say = (line: string): void => void run.event(line);
  const order = failover(run.environment.shell, run.lab, { say, force: run.sabotaged });
  const done = await order.catch((error: unknown) => {
    throw new Broken("not-taken-over", (error as Error).message, { cause: error });
  });
  run.event(`the VIP is at ${done?.to}`);
}

const byHand: Drill = {
  name: "failover",
  description:
    "The VIP is moved to the other director and back, as `scripts/lab failover` does it: nothing is lost",
  maxSeconds: 200,
  unfit: needsPair,
  async act(run) {
    const sight = await observeClient(run);
    const from = run.now;
    for (const figure of ["outageSeconds", "outageBackSeconds"]) {
      const began = run.now;
      await moved(run);
      await follow(run);
      await run.sleep(2);
      run.duration(figure, sight.outage(began), handover(run));
    }
    await sight.flowsKept(from);
    return NO_RETRY_LOST;
  },
  restore: restorePair,
  sabotage: noStandby,
};

/** Which MACs answered for the VIP, and when: asked by the router once a second. */
async function watchMacs(run: DrillRun): Promise<{ both: (since: number) => number; end: () => void }> {
  const { router } = run;
  const heard: { t: number; mac: string }[] = [];
  const command = `stdbuf -oL arping -b -I ${nicOn(router, "server").device} -w ${Math.ceil(400 * run.scale)} ${run.lab.services[0].vip}`;
  const stream = await run.program(
    router.name,
    `${command} | while read -r line; do echo "$EPOCHREALTIME $line"; done`,
    (t, line) => {
      const mac = /\[([0-9a-fA-F:]{17})\]/.exec(line)?.[1]?.toLowerCase();
      if (mac !== undefined) heard.push({ t, mac });
    },
  );
  return {
    // From the first answer of the later one to the last of the earlier one.
    both(since) {
      const after = heard.filter(({ t }) => t > since);
      const [first] = after;
      const next = after.find(({ mac }) => mac !== first?.mac);
      const last = after.findLast(({ mac }) => mac === first?.mac);
      return next === undefined || last === undefined ? 0 : Math.max(0, last.t - next.t);
    },
    end: () => stream.kill(),
  };
}

const ROUNDS = 10;
const CUT_SECONDS = 10;

const partition: Drill = {
  name: "director-partition",
  takes: ["guests"],
  description: `The active director is cut off for ${CUT_SECONDS} s, ${ROUNDS} times: the other one takes over and keeps the VIP, and never do two answer for long`,
  maxSeconds: 500,
  unfit: needsPair,
  async act(run) {
    const sight = await observeClient(run);
    const macs = await watchMacs(run);
    const from = run.now;
    let [worst, worstHeal, both, moves] = [0, 0, 0, 0];
    for (let round = 1; round <= ROUNDS; round++) {
      const alone = await holderNow(run);
      const cut = await run.act(`${alone.name} is cut off (${round})`, alone.name, cutOff(run, alone));
      await takenOver(run, alone, takeover(run) + 10);
      await run.sleep(Math.max(0, cut + CUT_SECONDS - run.now));
      worst = Math.max(worst, sight.outage(cut) ?? Infinity);
      const healed = await run.act(`${alone.name} is back`, alone.name, UNCUT);
      await run.sleep(5);
      worstHeal = Math.max(worstHeal, sight.outage(healed) ?? Infinity);
      both = Math.max(both, macs.both(healed));
      if ((await askHolder(run.shell, run.lab)) === alone.name) moves++;
      await standsBy(run, alone, 20);
    }
    macs.end();
    run.duration("outageSeconds", worst, takeover(run));
    run.duration("outageAfterHealSeconds", worstHeal, takeover(run));
    run.duration("twoHoldersSeconds", both, run.promises.twoHoldersSeconds);
    run.figure("movedBackByHeal", moves, { max: 0 });
    await sight.flowsKept(from);
    return {};
  },
  restore: restorePair,
  sabotage: noStandby,
};

const DEAF = `nft 'table inet lvsdr_drill { chain input { type filter hook input priority -10; ip protocol 112 drop; }; }'`;

const deaf: Drill = {
  name: "vrrp-cut",
  description:
    "The directors no longer hear each other's adverts, and nothing else is wrong: both hold the VIP, the status names it, requests go on",
  maxSeconds: 100,
  unfit: needsPair,
  cuts: ({ lab }) => lab.directors,
  async act(run) {
    for (const { name } of run.lab.directors) await run.act(`${name} hears no adverts`, name, DEAF);
    const seconds = await named(
      run,
      "split-brain",
      run.lab.services[0].vip,
      run.promises.namedSeconds + takeover(run) + 5,
    );
    run.duration("namedSeconds", seconds, run.promises.namedSeconds + takeover(run));
    await run.sleep(3);
    for (const { name } of run.lab.directors) await run.act(`${name} hears them again`, name, UNCUT);
    await run.sleep(3);
    await follow(run);
    return NO_RETRY_LOST;
  },
  restore: restorePair,
  sabotage: {
    ...noStandby,
    expects: ["not-named"],
  },
};

/** Its VRRP process first: the death of the other one is a SIGTERM to it, at which it would give the VIP up in order. */
const KILL_KEEPALIVED = "kill -9 $(cat /run/lvs-dr/keepalived-vrrp.pid) $(cat /run/lvs-dr/keepalived.pid)";

const killed: Drill = {
  name: "keepalived-killed",
  description:
    "keepalived is killed on the active director, and leaves the VIP behind: it does not stay with two",
  maxSeconds: 100,
  unfit: needsPair,
  async act(run) {
    const sight = await observeClient(run);
    const macs = await watchMacs(run);
    await run.sleep(1);
    const former = await holderNow(run);
    const since = await run.act(`${former.name}'s keepalived is killed`, former.name, KILL_KEEPALIVED);
    await takenOver(run, former, takeover(run) + 10);
    // Two that stay must be seen for longer than is allowed.
    await run.sleep(run.promises.twoHoldersSeconds * run.scale + 2);
    run.duration("twoHoldersSeconds", macs.both(since), run.promises.twoHoldersSeconds);
    macs.end();
    run.duration("outageSeconds", sight.outage(since), takeover(run));
    await sight.flowsKept(since);
    return NO_RETRY_LOST;
  },
  restore: restorePair,
  sabotage: sabotageBy(
    "the unit of the active director neither cleans up nor begins anew",
    ["twoHoldersSeconds"],
    theDirector,
    [
      "keepalived's unit has no Restart and no clean-up",
      `mkdir -p /run/systemd/system/${KEEPALIVED}.d; printf '[Service]\\nRestart=no\\nExecStopPost=\\n' >/run/systemd/system/${KEEPALIVED}.d/drill.conf; systemctl daemon-reload`,
    ],
    dropInsGone,
  ),
};

/** Away on both directors: which one was hit may hold no VIP by now. */
async function dropInsGone(run: DrillRun): Promise<void> {
  for (const { name } of run.lab.directors)
    await run.shell.check(
      name,
      `rm -rf /run/systemd/system/${KEEPALIVED}.d; systemctl daemon-reload; systemctl restart ${KEEPALIVED}`,
    );
  await restorePair(run);
}

const checkers: Drill = {
  name: "checkers-die",
  description:
    "ldirectord is killed on the active director, then frozen on both: the VIP stays, nothing is lost, the status names it",
  maxSeconds: 120,
  unfit: (run) => needsPair(run) ?? needsLdirectord(run),
  async act(run) {
    const count = async (): Promise<number> => {
      const each = await Promise.all(run.lab.directors.map((node) => elections(run, node)));
      return each.reduce((sum, n) => sum + n, 0);
    };
    const before = await count();
    const { name } = run.director;
    const { unit } = theDaemon(run);
    await run.act(`${name}'s ldirectord is killed`, name, `systemctl kill -s KILL --kill-whom=all ${unit}`);
    await run.sleep(run.promises.restartSeconds);
    for (const each of run.lab.directors)
      await run.act(
        `${each.name}'s ldirectord is frozen`,
        each.name,
        `systemctl kill --kill-whom=all -s STOP ${unit}`,
      );
    for (const each of run.lab.directors) await namedStopped(run, each);
    run.figure("roleChanges", (await count()) - before, { max: 0 });
    return NOTHING_LOST;
  },
  restore: async (run) => {
    for (const { name } of run.lab.directors)
      await run.shell.check(
        name,
        `systemctl kill --kill-whom=all -s CONT ${theDaemon(run).unit} 2>/dev/null || true; ${startDaemonCommand(run)}`,
      );
    await restorePair(run);
  },
  sabotage: sabotageBy(
    "keepalived of the active director ends with ldirectord",
    ["roleChanges"],
    theDirector,
    [
      "keepalived is bound to ldirectord",
      (run) =>
        `mkdir -p /run/systemd/system/${KEEPALIVED}.d; printf '[Unit]\\nBindsTo=${theDaemon(run).unit}\\nAfter=${theDaemon(run).unit}\\n' >/run/systemd/system/${KEEPALIVED}.d/drill.conf; systemctl daemon-reload`,
    ],
    dropInsGone,
  ),
};

const standbyOff: Drill = {
  name: "standby-power-off",
  takes: ["guests"],
  description:
    "The standby loses power and returns: nothing is lost, and it knows table and connections again",
  maxSeconds: 250,
  unfit: needsPair,
  async act(run) {
    const standby = theStandby(run);
    const sight = await observeClient(run);
    const cut = run.event(`${standby.name}'s power is cut`);
    await run.environment.power.off(standby.domain);
    await run.sleep(5);
    run.event(`${standby.name}'s power is back`);
    await run.environment.power.on(standby.domain);
    await standsBy(run, standby, run.promises.rebootSeconds);
    const since = run.event(`${standby.name} stands by`);
    const limit = run.promises.standbySeconds;
    const pair = [run.director.name, standby.name] as const;
    const missing = await toldOfAll(
      run.shell,
      run.lab,
      pair,
      limit * run.scale,
      (line) => void run.event(line),
    );
    if (missing.length > 0)
      throw new Broken(
        "not-told",
        `${standby.name} does not know all open connections ${limit * run.scale} s after its return`,
      );
    run.duration("toldSeconds", run.now - since, limit);
    await sight.flowsKept(cut);
    return NOTHING_LOST;
  },
  restore: restorePair,
  sabotage: sabotageBy(
    "the active director tells nobody of its connections",
    ["not-told"],
    theDirector,
    ["connection sync is stopped", "ipvsadm --stop-daemon master"],
    on(theDirector, "/usr/local/lib/lvs-dr/sync-daemons"),
  ),
};

export const directorDrills: readonly Drill[] = [
  powerOff,
  stops,
  byHand,
  partition,
  deaf,
  killed,
  checkers,
  standbyOff,
];

async function namedStopped(run: DrillRun, { name }: LabNode): Promise<void> {
  await named(run, "checker-stopped", name, run.promises.namedSeconds + 10);
}
