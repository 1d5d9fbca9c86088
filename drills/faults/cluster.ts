/** Faults of two directors under Pacemaker: whoever is lost is powered off and on by the host before the other one takes the VIP. */
import { askHolder } from "../../health/observe";
import { sabotageBy, theDirector } from "../actions";
import type { Drill, Felt } from "../drill";
import type { DrillRun } from "../drillRun";
import {
  cutOff,
  elections,
  holderNow,
  needsManager,
  NO_RETRY_LOST,
  observeClient,
  OF_A_PAIR,
  restorePair,
  servedOn,
  standsBy,
  takeover,
  theHolder,
  theStandby,
} from "../pair";

const FENCED = { ...OF_A_PAIR, takes: ["guests"], unfit: needsManager("pacemaker") } as const;

const fencing = (on: boolean): string =>
  `crm_attribute -q -t crm_config -s lvs-dr -n stonith-enabled -v ${on}`;

/** Bash that prints since when a guest runs; after a boot it is another time. */
const BOOTED = "sed -n 's/^btime //p' /proc/stat";

/** Waits until a director has been powered off and on, and stands by. */
async function returned(run: DrillRun, name: string, before: string): Promise<void> {
  const node = run.lab.directors.find((each) => each.name === name);
  if (node === undefined) return;
  const limit = run.promises.rebootSeconds;
  const again = async (): Promise<boolean> => {
    const shell = run.environment.ownShell();
    try {
      const { code, stdout } = await shell.run(name, BOOTED, { timeout: 20 });
      return code === 0 && stdout.trim() !== before;
    } finally {
      await shell.close();
    }
  };
  await run.until(`${name} was powered off and on`, again, limit, "not-fenced", 1);
  run.event(`${name} was powered off and on`);
  await standsBy(run, node, limit);
}

const bootOf = async (run: DrillRun, name: string): Promise<string> => (await run.ask(name, BOOTED)).trim();

const cut: Drill = {
  ...FENCED,
  name: "director-fenced",
  description:
    "The active of two directors is cut off: it is powered off and on before the other one takes the VIP over, and returns as the standby",
  maxSeconds: 250,
  async act(run) {
    const sight = await observeClient(run);
    const alone = await holderNow(run);
    const boot = await bootOf(run, alone.name);
    const since = await run.act(`${alone.name} is cut off`, alone.name, cutOff(run, alone));
    await servedOn(run, sight, alone, since);
    await returned(run, alone.name, boot);
    run.figure("movedBack", (await askHolder(run.shell, run.lab)) === alone.name ? 1 : 0, { max: 0 });
    return {};
  },
};

const deaf: Drill = {
  ...FENCED,
  name: "corosync-cut",
  description:
    "The directors no longer hear each other, and nothing else is wrong: the active one has the standby powered off and on, and serves on",
  maxSeconds: 250,
  cuts: ({ lab }) => lab.directors,
  async act(run) {
    const standby = theStandby(run);
    const before = await elections(run, run.director);
    const boot = await bootOf(run, standby.name);
    const both = run.lab.directors.map(({ name }) =>
      run.act(`${name} does not hear the other one`, name, theHolder(run).deaf),
    );
    await Promise.all(both);
    await run.sleep(takeover(run));
    await run.act(`${run.director.name} hears again`, run.director.name, "nft delete table inet lvsdr_drill");
    await returned(run, standby.name, boot);
    run.figure("roleChanges", (await elections(run, run.director)) - before, { max: 0 });
    return NO_RETRY_LOST;
  },
  sabotage: sabotageBy(
    "nobody is powered off: the standby takes the VIP too",
    ["not-fenced"],
    theDirector,
    ["fencing is switched off", fencing(false)],
    restorePair,
  ),
};

/** @param act what is done and judged where a manager is killed */
export const clusterDrills = (act: (run: DrillRun) => Promise<Felt>): readonly Drill[] => [
  cut,
  deaf,
  {
    ...FENCED,
    name: "pacemaker-killed",
    description:
      "Corosync and Pacemaker are killed on the active director, which keeps the VIP: it is powered off and on before the other one takes that over",
    maxSeconds: 250,
    act,
    sabotage: sabotageBy(
      "nobody is powered off: the VIP stays with two",
      ["twoHoldersSeconds"],
      theDirector,
      ["fencing is switched off", fencing(false)],
      restorePair,
    ),
  },
];
