/** Faults after which two directors may hold the VIP: one is cut off, hears no adverts, or leaves the VIP behind. */
import { askHolder } from "../../health/observe";
import { shellQuote } from "../../lib/text";
import { byTheRunItself, sabotageBy, theDirector, withDropIn } from "../actions";
import { watchArp, type Heard } from "../arp";
import type { Drill, Felt } from "../drill";
import type { DrillRun } from "../drillRun";
import {
  cutOff,
  feltWithin,
  follow,
  holderNow,
  managerUnit,
  named,
  needsManager,
  NO_RETRY_LOST,
  noStandby,
  observeClient,
  OF_A_PAIR,
  onDirectors,
  restorePair,
  restoreUnits,
  roleChanges,
  standsBy,
  takenOver,
  takeover,
  theHolder,
  UNCUT,
} from "../pair";
import { clusterDrills } from "./cluster";

/** Seconds for which two have answered for the VIP since a time: from the first answer of the later one to the last of the earlier one. */
function bothAnswered(heard: readonly Heard[], since: number): number {
  const after = heard.filter(({ t }) => t > since);
  const [first] = after;
  const next = after.find(({ mac }) => mac !== first?.mac);
  const last = after.findLast(({ mac }) => mac === first?.mac);
  return next === undefined || last === undefined ? 0 : Math.max(0, last.t - next.t);
}

const ROUNDS = 10;
const CUT_SECONDS = 10;

const partition: Drill = {
  ...OF_A_PAIR,
  name: "director-partition",
  unfit: needsManager("keepalived"),
  takes: ["guests"],
  description: `The active director is cut off for ${CUT_SECONDS} s, ${ROUNDS} times: the other one takes over and keeps the VIP, and never do two answer for long`,
  maxSeconds: 500,
  async act(run) {
    const sight = await observeClient(run);
    const arp = await watchArp(run, 400);
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
      both = Math.max(both, bothAnswered(arp.heard, healed));
      if ((await askHolder(run.shell, run.lab)) === alone.name) moves++;
      await standsBy(run, alone, 20);
    }
    await arp.end();
    run.duration("outageSeconds", worst, takeover(run));
    run.duration("outageAfterHealSeconds", worstHeal, takeover(run));
    run.duration("twoHoldersSeconds", both, run.promises.twoHoldersSeconds);
    run.figure("movedBackByHeal", moves, { max: 0 });
    await sight.flowsKept(from);
    return {};
  },
};

const deaf: Drill = {
  ...OF_A_PAIR,
  name: "vrrp-cut",
  unfit: needsManager("keepalived"),
  description:
    "The directors no longer hear each other's adverts, and nothing else is wrong: both hold the VIP, the status names it, requests go on",
  maxSeconds: 100,
  cuts: ({ lab }) => lab.directors,
  async act(run) {
    for (const { name } of run.lab.directors)
      await run.act(`${name} hears no adverts`, name, theHolder(run).deaf);
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
  sabotage: { ...noStandby, expects: ["not-named"] },
};

/** What a manager leaves behind that is killed. */
async function killManager(run: DrillRun): Promise<Felt> {
  const sight = await observeClient(run);
  const arp = await watchArp(run, 400);
  await run.sleep(1);
  const former = await holderNow(run);
  const { manager, kill } = theHolder(run);
  const since = await run.act(`${former.name}'s ${manager} is killed`, former.name, kill);
  await takenOver(run, former, takeover(run) + 10);
  await sight.answers(takeover(run));
  // Two that stay must be seen for longer than is allowed.
  await run.sleep(run.promises.twoHoldersSeconds * run.scale + 2);
  run.duration("twoHoldersSeconds", bothAnswered(arp.heard, since), run.promises.twoHoldersSeconds);
  await arp.end();
  run.duration("outageSeconds", sight.outage(since), takeover(run));
  await sight.flowsKept(since);
  return feltWithin(takeover(run), 0);
}

const killed: Drill = {
  ...OF_A_PAIR,
  name: "keepalived-killed",
  unfit: needsManager("keepalived"),
  description:
    "keepalived is killed on the active director, and leaves the VIP behind: it does not stay with two",
  maxSeconds: 100,
  act: killManager,
  sabotage: sabotageBy(
    "the unit of the active director neither cleans up nor begins anew",
    ["twoHoldersSeconds"],
    theDirector,
    [
      "keepalived's unit has no Restart and no clean-up",
      (run) => withDropIn(managerUnit(run), "Restart=no\\nExecStopPost="),
    ],
    restoreUnits,
  ),
};

/** Seconds for which a director is busy; shorter where it is not meant to endure that. */
const BUSY_SECONDS = { fault: 60, sabotage: 15 };
const BUSY = "lvs-dr-drill-busy";

const busy: Drill = {
  ...OF_A_PAIR,
  name: "director-busy",
  unfit: needsManager("keepalived"),
  description: `Programs want all of the active director's processors for ${BUSY_SECONDS.fault} s: keepalived goes before them, the VIP stays, and nothing is lost`,
  maxSeconds: 150,
  async act(run) {
    const { name } = await holderNow(run);
    const before = await roleChanges(run);
    const seconds = BUSY_SECONDS[run.sabotaged ? "sabotage" : "fault"];
    // What ends it goes before it.
    const [above, below] = run.sabotaged ? ["chrt -f 99 ", "chrt -f 98 "] : ["", ""];
    const loop = `${above}timeout -s KILL ${seconds} ${below}bash -c 'while :; do :; done'`;
    const loops = `for ((i = 0; i < 4 * $(nproc); i++)); do ${loop} & done; wait`;
    const start = `systemd-run -q --collect --unit=${BUSY} bash -c ${shellQuote(loops)}`;
    const since = await run.act(`${name}'s processors are busy`, name, start);
    await run.sleep(Math.max(0, since + seconds - run.now));
    const over = `! systemctl is-active -q ${BUSY}`;
    const isOver = async (): Promise<boolean> =>
      (await run.shell.run(name, over, { timeout: 20 })).code === 0;
    await run.until(`${name} is at rest`, isOver, 20);
    run.event(`${name} is at rest`);
    run.figure("roleChanges", (await roleChanges(run)) - before, { max: 0 });
    await follow(run);
    return NO_RETRY_LOST;
  },
  restore: async (run) => {
    await onDirectors(run, `systemctl stop ${BUSY} 2>/dev/null || true`);
    await restorePair(run);
  },
  sabotage: {
    ...byTheRunItself,
    what: "the busy programs go before keepalived, which has a real-time priority of 50",
    expects: ["roleChanges"],
  },
};

export const holderDrills: readonly Drill[] = [partition, deaf, killed, busy, ...clusterDrills(killManager)];
