/** Faults of two directors: one of them dies, is cut off, stops in order; the other one serves on. */
import { failover, toldOfAll } from "../../failover/failover";
import type { LabNode } from "../../model/lab/types";
import {
  needsLdirectord,
  needsTwoServers,
  on,
  sabotageBy,
  startDaemonCommand,
  startWebServers,
  START_WEB,
  STOP_WEB,
  theDaemon,
  theDirector,
  withDropIn,
} from "../actions";
import type { Drill } from "../drill";
import type { DrillRun } from "../drillRun";
import { isBack, noneFails, NOTHING_LOST, refusalLimits } from "../ejection";
import {
  elections,
  feltWithin,
  follow,
  handover,
  holderNow,
  managerUnit,
  named,
  needsPair,
  observeClient,
  OF_A_PAIR,
  onDirectors,
  restorePair,
  restoreUnits,
  roleChanges,
  servedOn,
  standsBy,
  stopHolder,
  takenOver,
  takeover,
  theStandby,
} from "../pair";
import { TableHistory } from "../tableHistory";
import { Broken } from "../waiting";
import { holderDrills } from "./holders";

/** Requests that a dying director may lose though they are repeated at once: both may fall into the gap. */
const LOST = 2;

const powerOff: Drill = {
  ...OF_A_PAIR,
  name: "director-power-off",
  takes: ["guests"],
  description:
    "The active of two directors loses power: the other one serves, open connections live on, and nothing changes when it returns",
  maxSeconds: 250,
  async act(run) {
    const sight = await observeClient(run);
    const dead = await holderNow(run);
    const off = run.event(`${dead.name}'s power is cut`);
    await run.environment.power.off(dead.domain);
    await servedOn(run, sight, dead, off);
    const before = await elections(run, run.director);
    const powered = run.event(`${dead.name}'s power is back`);
    await run.environment.power.on(dead.domain);
    await standsBy(run, dead, run.promises.rebootSeconds);
    run.duration("standbyAgainSeconds", run.now - powered, run.promises.rebootSeconds);
    const changes = (await elections(run, run.director)) - before + (await elections(run, dead));
    run.figure("roleChangesOnReturn", changes, { max: 0 });
    return feltWithin(takeover(run), LOST);
  },
};

const stops: Drill = {
  ...OF_A_PAIR,
  name: "director-stops",
  description:
    "The VIP's manager (keepalived or Pacemaker) is stopped in order on the active director: the other one serves, open connections live on",
  maxSeconds: 120,
  async act(run) {
    const sight = await observeClient(run);
    const { former, stopped } = await stopHolder(run);
    await takenOver(run, former, handover(run) + 10);
    await sight.answers(handover(run) + 10);
    run.duration("outageSeconds", sight.outage(stopped), handover(run));
    await sight.flowsKept(stopped);
    return feltWithin(handover(run), 0);
  },
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
  ...OF_A_PAIR,
  name: "failover",
  description:
    "The VIP is moved to the other director and back, as `scripts/lab failover` does it: nothing is lost",
  maxSeconds: 200,
  async act(run) {
    const sight = await observeClient(run);
    const from = run.now;
    for (const figure of ["outageSeconds", "outageBackSeconds"]) {
      const began = run.now;
      await moved(run);
      await follow(run);
      await sight.answers(handover(run) + 10);
      run.duration(figure, sight.outage(began), handover(run));
    }
    await sight.flowsKept(from);
    return feltWithin(handover(run), 0);
  },
};

const serverDies: Drill = {
  name: "real-server-dies-in-failover",
  description:
    "A web server stops while the VIP moves: the director that serves from then on has it out within its detection time",
  maxSeconds: 150,
  unfit: (run) => needsPair(run) ?? needsTwoServers(run),
  async act(run) {
    await holderNow(run);
    const [standby, table] = [theStandby(run), new TableHistory(run.lab)];
    await run.watchTable(standby, table);
    const ready = (): boolean => table.isAsExpected(table.latest);
    await run.until(`${standby.name}'s table is as configured`, ready, 15, "not-as-configured");
    const { name } = run.target;
    const [died, { former }] = await Promise.all([
      run.act(`${name}'s web server stops`, name, STOP_WEB),
      stopHolder(run),
    ]);
    await takenOver(run, former, handover(run) + 10);
    const taken = run.now;
    const { eject, recover } = run.promises;
    const what = `${name} is out of ${standby.name}'s table`;
    const out = await run.targetOut(died, eject, what, table);
    run.duration("detectionSeconds", out - died, eject);
    await run.sleep(2);
    await isBack(run, await run.act(`${name}'s web server starts`, name, START_WEB), recover);
    const { lost } = refusalLimits(run);
    return {
      ...(lost !== undefined && feltWithin(handover(run), lost)),
      ...noneFails(run, "failedAfterEjection", Math.max(taken, out)),
    };
  },
  restore: async (run) => {
    await startWebServers(run);
    await restorePair(run);
  },
  sabotage: sabotageBy(
    "nobody checks on the standby: what is dead stays in its table",
    ["not-out"],
    theStandby,
    ["the standby's daemon that checks is stopped", (run) => theDaemon(run).stopChecks],
    async (run) => {
      await onDirectors(run, startDaemonCommand(run));
      await restorePair(run);
    },
  ),
};

const checkers: Drill = {
  name: "checkers-die",
  description:
    "ldirectord is killed on the active director, then frozen on both: the VIP stays, nothing is lost, the status names it",
  maxSeconds: 120,
  unfit: (run) => needsPair(run) ?? needsLdirectord(run),
  async act(run) {
    const before = await roleChanges(run);
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
    run.figure("roleChanges", (await roleChanges(run)) - before, { max: 0 });
    return NOTHING_LOST;
  },
  restore: async (run) => {
    const { unit } = theDaemon(run);
    await onDirectors(
      run,
      `systemctl kill --kill-whom=all -s CONT ${unit} 2>/dev/null || true; ${startDaemonCommand(run)}`,
    );
    await restorePair(run);
  },
  sabotage: sabotageBy(
    "the VIP's manager ends with ldirectord on the active director",
    ["roleChanges"],
    theDirector,
    [
      "the manager is bound to ldirectord",
      (run) => {
        const { unit } = theDaemon(run);
        return withDropIn(managerUnit(run), `BindsTo=${unit}\\nAfter=${unit}`, "Unit");
      },
    ],
    restoreUnits,
  ),
};

const standbyOff: Drill = {
  ...OF_A_PAIR,
  name: "standby-power-off",
  takes: ["guests"],
  description:
    "The standby loses power and returns: nothing is lost, and it knows table and connections again",
  maxSeconds: 250,
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
  ...holderDrills,
  serverDies,
  checkers,
  standbyOff,
];

async function namedStopped(run: DrillRun, { name }: LabNode): Promise<void> {
  await named(run, "checker-stopped", name, run.promises.namedSeconds + 10);
}
