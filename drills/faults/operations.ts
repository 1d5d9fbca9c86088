/** What is done to a cluster every day, under load: none of it may cost a request. */
import { endpoint } from "../../model/lab/address";
import { byTheRunItself, DAEMON, needsDaemon, needsTwoServers, START_DAEMON, startDaemon } from "../actions";
import { applyDirector, restoreDirector, withServers } from "../directorPayload";
import { shellQuote } from "../../lib/text";
import type { DrillRun } from "../drillRun";
import type { Drill, Sabotage } from "../drill";
import { AFTER_EDIT } from "../ejection";

const NOTHING_LOST = { failed: 0, lost: 0 };

/** What a careless script does: an empty table for a moment, under every request. */
const flushes: Sabotage = {
  what: "the table is flushed and filled again each second, as a script without care would do at every change",
  // The director's own script checks the table that it has made, and may find it empty.
  expects:
    /^(tableChanges|failed|lostAfterRetry|answeredBySorry) is|director's script ended with|^not within .*: the table/,
  apply: async (run) => {
    await run.act(
      "sabotage: the table will be flushed each second",
      run.director.name,
      "systemd-run -q --unit lvs-dr-sabotage --collect bash -c " +
        "'sleep 8; for ((i = 0; i < 100; i++)); do t=$(ipvsadm -Sn); ipvsadm -C; sleep 0.3; ipvsadm -R <<<\"$t\"; sleep 1; done'",
    );
  },
  undo: async (run) => {
    // The table may be empty just now; the director's own script fills it.
    await run.shell.check(
      run.director.name,
      `systemctl stop lvs-dr-sabotage 2>/dev/null; systemctl restart ${DAEMON}; /usr/local/sbin/lvs-dr start`,
      { timeout: 180 },
    );
  },
};

/** The flushes end first: the director's own script would find its table empty, and fail. */
async function endFlushes(run: DrillRun): Promise<void> {
  await run.shell.check(run.director.name, "systemctl stop lvs-dr-sabotage 2>/dev/null || true");
  await restoreDirector(run);
}

const reload: Drill = {
  name: "op-reload",
  description: "ldirectord reads its configuration again: 0 requests lost, the table stays",
  maxSeconds: 60,
  unfit: needsDaemon,
  async act(run) {
    const reloaded = await run.act("ldirectord is reloaded", run.director.name, `systemctl reload ${DAEMON}`);
    await run.sleep(4);
    await run.act("and again", run.director.name, `systemctl reload ${DAEMON}`);
    await run.sleep(3);
    run.figure("tableChanges", run.table.changes.filter(({ t }) => t > reloaded).length, { max: 0 });
    return NOTHING_LOST;
  },
  restore: startDaemon,
  sabotage: flushes,
};

const restart: Drill = {
  name: "op-restart",
  description: "ldirectord is restarted: 0 requests lost, and it checks again",
  maxSeconds: 60,
  unfit: needsTwoServers,
  async act(run) {
    await run.act("ldirectord is restarted", run.director.name, `systemctl restart ${DAEMON}`);
    await run.sleep(8);
    const state = await run.ask(run.director.name, `systemctl is-active ${DAEMON} || true`);
    run.expect(state.trim() === "active", `after its restart ldirectord is ${state.trim()}`);
    await run.tableUntil("the table is as configured", run.table.isAsMeant, run.now, 10);
    return NOTHING_LOST;
  },
  restore: startDaemon,
  sabotage: flushes,
};

const weights: Drill = {
  name: "op-weights",
  description: "Weights are changed and changed back: 0 requests lost",
  maxSeconds: 120,
  unfit: needsTwoServers,
  async act(run) {
    const entry = run.lab.services[0].realServers.find(({ name }) => name === run.target.name);
    const weight = (entry?.weight ?? 1) + 4;
    const changed = withServers(run.lab, (servers) =>
      servers.map((server) => (server.name === run.target.name ? { ...server, weight } : server)),
    );
    const began = await applyDirector(run, `${run.target.name}'s weight becomes ${weight}`, changed);
    const done = await run.tableUntil(
      "the table has the new weight",
      (seen) => seen?.get(run.endpoint(run.target)) === weight,
      began,
      60,
    );
    run.duration("changeSeconds", done - began, run.promises.changeSeconds);
    await run.sleep(2);
    await restoreDirector(run);
    run.event("the weights are as before");
    await run.tableUntil("the table is as configured", run.table.isAsMeant, run.now, 10);
    return NOTHING_LOST;
  },
  restore: endFlushes,
  sabotage: flushes,
};

const removeAndAdd: Drill = {
  name: "op-remove-and-add",
  description: "A real server is removed from the configuration and added again: 0 requests lost",
  maxSeconds: 150,
  unfit: needsTwoServers,
  async act(run) {
    const less = withServers(run.lab, (servers) => servers.filter(({ name }) => name !== run.target.name));
    const began = await applyDirector(run, `${run.target.name} is removed from the configuration`, less);
    const out = await run.tableUntil(`${run.target.name} is out`, run.isOut(run.target), began, 90);
    run.duration("removalSeconds", out - began, run.promises.removalSeconds);
    await run.sleep(2);
    await restoreDirector(run);
    run.event(`${run.target.name} is added again`);
    await run.tableUntil(`${run.target.name} is back`, run.table.isAsMeant, run.now, 10);
    return NOTHING_LOST;
  },
  restore: endFlushes,
  sabotage: flushes,
};

const changeMode: Drill = {
  name: "op-mode",
  description: "The director goes from ldirectord to static mode and back: 0 requests lost",
  maxSeconds: 150,
  unfit: needsDaemon,
  async act(run) {
    await applyDirector(run, "mode becomes static", { ...run.lab, mode: "static" });
    await run.sleep(2);
    const state = await run.ask(run.director.name, `systemctl is-active ${DAEMON} || true`);
    run.expect(state.trim() !== "active", "ldirectord still runs in mode static");
    await restoreDirector(run);
    run.event("mode is ldirectord again");
    await run.tableUntil("the table is as configured", run.table.isAsMeant, run.now, 10);
    return NOTHING_LOST;
  },
  restore: endFlushes,
  sabotage: flushes,
};

/** Bytes per second of the download that is open while its server is drained: it lasts as long as that may take. */
const DOWNLOAD_RATE = 60_000;
const FILE = "/srv/lvs-dr/drill.bin";
/** The server holds the rate: a client that reads slowly still has its kernel take in all of it at once. */
const SLOW = "/etc/lvs-dr/nginx.d/drill-slow.conf";

const drain: Drill = {
  name: "drain",
  description: "A real server is drained: an open download ends well, new requests go elsewhere, 0 lost",
  maxSeconds: 160,
  unfit: needsTwoServers,
  async act(run) {
    const { target, lab } = run;
    const [{ vip, port }] = lab.services;
    const { drainSeconds } = run.promises;
    const end = (): string => run.endpoint(target);
    const size = Math.ceil(DOWNLOAD_RATE * (drainSeconds * run.scale + 5));
    await run.ask(
      target.name,
      `head -c ${size} /dev/zero >${FILE}; ` +
        `echo 'location = /drill.bin { limit_rate ${DOWNLOAD_RATE}; }' >${SLOW}; systemctl reload nginx`,
    );
    // Only the target has the file: others answer 404, and curl asks again.
    let result = "";
    let ended: number | undefined;
    const download = await run.program(
      lab.client.name,
      `bash -c ${shellQuote(
        `for ((i = 0; i < 50; i++)); do r=$(curl -s -o /dev/null --max-time ${Math.ceil(2 * drainSeconds * run.scale)} ` +
          `-w '%{http_code} %{size_download} %{exitcode}' http://${endpoint(vip, port)}/drill.bin); ` +
          `[[ $r == 404* ]] || break; done; echo "$EPOCHREALTIME $r"`,
      )}`,
      (t, line) => {
        result = line;
        ended = t;
      },
    );
    // Until it lasts: connections to the target that do not end.
    await run.sleep(1.5);
    const drained = withServers(lab, (servers) =>
      servers.map((server) => (server.name === target.name ? { ...server, drain: true } : server)),
    );
    const began = run.sabotaged
      ? await run.act(
          `${target.name} is removed without a drain`,
          run.director.name,
          `systemctl stop ${DAEMON}; ipvsadm -d -t ${endpoint(vip, port)} -r ${end()}`,
        )
      : await applyDirector(run, `${target.name} is drained`, drained);
    const zero = await run.tableUntil(`${target.name} has weight 0`, run.isOut(target), began, drainSeconds);
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
    );
    const settled = zero + 2;
    await run.until("two seconds of draining are over", () => run.now > settled + 1, 10);
    await restoreDirector(run);
    if (run.sabotaged) await run.ask(run.director.name, START_DAEMON);
    const restored = run.event(`${target.name} is in rotation again`);
    await run.tableUntil("the table is as configured", run.table.isAsMeant, zero, 10);
    const back = run.table.firstTime(run.table.isAsMeant, zero) ?? restored;
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
    await run.shell.check(
      run.target.name,
      `rm -f ${FILE}; [[ ! -e ${SLOW} ]] || { rm ${SLOW}; systemctl reload nginx; }`,
    );
    await restoreDirector(run);
    await startDaemon(run);
  },
  sabotage: {
    what: "the server is taken out of the table at once instead of being drained",
    expects: /^the open download ended with/,
    ...byTheRunItself,
  },
};

export const operationDrills: readonly Drill[] = [drain, reload, restart, weights, removeAndAdd, changeMode];
