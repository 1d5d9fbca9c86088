/** What is done to a cluster every day, under load: none of it may cost a request. */
import { targetArguments } from "../../model/lab/target";
import {
  byTheRunItself,
  daemonState,
  needsDaemon,
  needsLdirectord,
  needsOwnDaemon,
  on,
  sabotageBy,
  START,
  startDaemonCommand,
  startDaemon,
  theDaemon,
  theDirector,
  theTarget,
} from "../actions";
import { applyDirector, restoreDirector, withServers } from "../directorPayload";
import { shellQuote } from "../../lib/text";
import { anyCertificate } from "../../health/requests";
import { serviceUrl, type Lab, type RealServerEntry } from "../../model/lab/types";
import type { DrillRun } from "../drillRun";
import type { Drill } from "../drill";
import { AFTER_EDIT, NOTHING_LOST } from "../ejection";

/** What a careless script does: an empty table for a moment, under every request. */
const flushes = sabotageBy(
  "the table is flushed and filled again each second, as a script without care would do at every change",
  // The director's own script checks the table that it has made, and may find it empty.
  [
    "tableChanges",
    "failed",
    "lostAfterRetry",
    "answeredBySorry",
    "script-failed",
    "not-as-configured",
    "not-changed",
  ],
  theDirector,
  [
    "the table will be flushed each second",
    "systemd-run -q --unit lvs-dr-sabotage --collect bash -c " +
      "'sleep 8; for ((i = 0; i < 100; i++)); do t=$(ipvsadm -Sn); ipvsadm -C; sleep 0.3; ipvsadm -R <<<\"$t\"; sleep 1; done'",
  ],
  // The table may be empty just now; the director's own script fills it.
  on(
    theDirector,
    (run) => `systemctl stop lvs-dr-sabotage 2>/dev/null; systemctl restart ${theDaemon(run).unit}; ${START}`,
    { timeout: 180 },
  ),
);

const reload: Drill = {
  name: "op-reload",
  description: "ldirectord reads its configuration again: 0 requests lost, the table stays",
  maxSeconds: 60,
  unfit: needsLdirectord,
  async act(run) {
    const reload = `systemctl reload ${theDaemon(run).unit}`;
    const reloaded = await run.act("ldirectord is reloaded", run.director.name, reload);
    await run.sleep(4);
    await run.act("and again", run.director.name, reload);
    await run.sleep(3);
    run.figure("tableChanges", run.table.changesSince(reloaded), { max: 0 });
    return NOTHING_LOST;
  },
  restore: startDaemon,
  sabotage: flushes,
};

const restart: Drill = {
  name: "op-restart",
  description: "The daemon that checks is restarted: 0 requests lost, and it checks again",
  maxSeconds: 60,
  unfit: needsOwnDaemon,
  async act(run) {
    const { name, unit } = theDaemon(run);
    await run.act(`${name} is restarted`, run.director.name, `systemctl restart ${unit}`);
    await run.sleep(8);
    const state = await daemonState(run);
    run.expect(state === "active", `after its restart ${name} is ${state}`);
    await run.asConfigured(run.now, 10);
    return NOTHING_LOST;
  },
  restore: startDaemon,
  sabotage: flushes,
};

/** A change of the director's configuration as `up` makes it, and the way back. */
interface Change extends Pick<Drill, "name" | "description" | "maxSeconds" | "unfit"> {
  /** The lab that is applied, and what that is called. */
  readonly to: (run: DrillRun) => readonly [what: string, lab: Lab];
  /** Sees it take effect. */
  readonly seen: (run: DrillRun, began: number) => Promise<void>;
  readonly back: (run: DrillRun) => string;
}

function changes({ to, seen, back, ...drill }: Change): Drill {
  return {
    ...drill,
    async act(run) {
      await seen(run, await applyDirector(run, ...to(run)));
      await restoreDirector(run);
      run.event(back(run));
      await run.asConfigured(run.now, 10);
      return NOTHING_LOST;
    },
    // The flushes end first: the director's own script would find its table empty, and fail.
    restore: async (run) => {
      await on(theDirector, "systemctl stop lvs-dr-sabotage 2>/dev/null || true")(run);
      await restoreDirector(run);
    },
    sabotage: flushes,
  };
}

/** The lab with another entry for the target. */
const withTarget = ({ lab, target }: DrillRun, change: Partial<RealServerEntry>): Lab =>
  withServers(lab, (servers) =>
    servers.map((server) => (server.name === target.name ? { ...server, ...change } : server)),
  );

function newWeight({ lab, target }: DrillRun): number {
  const entry = lab.services[0].realServers.find(({ name }) => name === target.name);
  return (entry?.weight ?? 1) + 4;
}

const weights = changes({
  name: "op-weights",
  description: "Weights are changed and changed back: 0 requests lost",
  maxSeconds: 120,
  to: (run) => {
    const weight = newWeight(run);
    return [`${run.target.name}'s weight becomes ${weight}`, withTarget(run, { weight })];
  },
  seen: async (run, began) => {
    const holds = (seen?: ReadonlyMap<string, number>): boolean =>
      seen?.get(run.endpoint(run.target)) === newWeight(run);
    const done = await run.tableUntil("the table has the new weight", holds, began, 60, "not-changed");
    run.duration("changeSeconds", done - began, run.promises.changeSeconds);
    await run.sleep(2);
  },
  back: () => "the weights are as before",
});

const removeAndAdd = changes({
  name: "op-remove-and-add",
  description: "A real server is removed from the configuration and added again: 0 requests lost",
  maxSeconds: 150,
  to: ({ lab, target }) => [
    `${target.name} is removed from the configuration`,
    withServers(lab, (servers) => servers.filter(({ name }) => name !== target.name)),
  ],
  seen: async (run, began) => {
    const out = await run.targetOut(began, 90);
    run.duration("removalSeconds", out - began, run.promises.removalSeconds);
    await run.sleep(2);
  },
  back: ({ target }) => `${target.name} is added again`,
});

const changeMode = changes({
  name: "op-mode",
  description: "The director goes to static mode and back: 0 requests lost",
  maxSeconds: 150,
  unfit: needsDaemon,
  to: ({ lab }) => ["mode becomes static", { ...lab, mode: "static" }],
  seen: async (run) => {
    await run.sleep(2);
    run.expect((await daemonState(run)) !== "active", `${theDaemon(run).name} still runs in mode static`);
  },
  back: ({ lab }) => `mode is ${lab.mode} again`,
});

/** Bytes per second of the download that is open while its server is drained: it lasts as long as that may take. */
const DOWNLOAD_RATE = 60_000;
/** Not among the pages: until nginx has read SLOW there is no such file, and a download without the rate. */
const FILE = "/run/lvs-dr-drill.bin";
/** The server holds the rate: a client that reads slowly still has its kernel take in all of it at once. */
const SLOW = "/etc/lvs-dr/nginx.d/drill-slow.conf";

const drain: Drill = {
  name: "drain",
  description: "A real server is drained: an open download ends well, new requests go elsewhere, 0 lost",
  maxSeconds: 160,
  async act(run) {
    const { target, lab } = run;
    const { drainSeconds } = run.promises;
    const url = serviceUrl(lab.services[0]);
    const size = Math.ceil(DOWNLOAD_RATE * (drainSeconds * run.scale + 5));
    await run.ask(
      target.name,
      `head -c ${size} /dev/zero >${FILE}; ` +
        `echo 'location = /drill.bin { alias ${FILE}; limit_rate ${DOWNLOAD_RATE}; }' >${SLOW}; systemctl reload nginx`,
    );
    // Only the target has the file: others answer 404, and curl asks again.
    let result = "";
    let ended: number | undefined;
    const download = await run.program(
      lab.clients[0].name,
      `bash -c ${shellQuote(
        `for ((i = 0; i < 50; i++)); do r=$(curl -s${anyCertificate(url)} -o /dev/null --max-time ${Math.ceil(2 * drainSeconds * run.scale)} ` +
          `-w '%{http_code} %{size_download} %{exitcode}' ${url}drill.bin); ` +
          `[[ $r == 404* ]] || break; sleep 0.05; done; echo "$EPOCHREALTIME $r"`,
      )}`,
      (t, line) => {
        result = line;
        ended = t;
      },
    );
    // Until it lasts: connections to the target that do not end.
    await run.sleep(1.5);
    const began = run.sabotaged
      ? await run.act(
          `${target.name} is removed without a drain`,
          run.director.name,
          `${theDaemon(run).stopChecks}; ipvsadm -d ${targetArguments(lab.services[0])} -r ${run.endpoint(target)}`,
        )
      : await applyDirector(run, `${target.name} is drained`, withTarget(run, { drain: true }));
    const zero = await run.targetOut(began, drainSeconds, `${target.name} has weight 0`);
    run.duration("weightZeroSeconds", zero - began, drainSeconds);
    run.expect(
      run.sabotaged || ended === undefined || ended > zero,
      "the download was over before the drain",
    );
    await Promise.race([download.ended, run.sleep(60 * run.scale)]);
    run.event(`the download: ${result || "not over"}`, ended);
    run.expect(
      result === `200 ${size} 0`,
      `the open download ended with '${result}' (status, bytes, curl's exit status), expected '200 ${size} 0'`,
      "download",
    );
    const settled = zero + 2;
    await run.until("two seconds of draining are over", () => run.now > settled + 1, 10);
    await restoreDirector(run);
    if (run.sabotaged) await run.ask(run.director.name, startDaemonCommand(run));
    run.event(`${target.name} is in rotation again`);
    const back = await run.asConfigured(zero, 10);
    return {
      ...NOTHING_LOST,
      judge: (log) => {
        // The table is looked at ten times a second: it was edited up to that much before it was seen.
        const { answeredBy } = log.between(settled, back - AFTER_EDIT);
        run.figure("newRequestsWhileDrained", answeredBy[target.name] ?? 0, { max: 0 });
      },
    };
  },
  restore: async (run) => {
    await on(theTarget, `rm -f ${FILE}; [[ ! -e ${SLOW} ]] || { rm ${SLOW}; systemctl reload nginx; }`)(run);
    await restoreDirector(run);
    await startDaemon(run);
  },
  sabotage: {
    what: "the server is taken out of the table at once instead of being drained",
    expects: ["download"],
    ...byTheRunItself,
  },
};

export const operationDrills: readonly Drill[] = [drain, reload, restart, weights, removeAndAdd, changeMode];
