/** Faults around the daemon that checks: killed, restarted at a bad moment, misconfigured, without disk. */
import {
  daemonState,
  needsLdirectord,
  needsOwnDaemon,
  needsTwoServers,
  noDaemon,
  on,
  sabotageBy,
  startDaemonCommand,
  START_WEB,
  startDaemon,
  startOn,
  startWebServers,
  theDaemon,
  STOP_WEB,
  theDirector,
  theTarget,
  webServer,
  withDropIn,
  withoutDropIn,
} from "../actions";
import { applySettings, restoreDirector } from "../directorPayload";
import type { DrillRun } from "../drillRun";
import { CUT_OFF, exposedRequests, isBack, isOut, NOTHING_LOST, outAndBack } from "../ejection";
import type { Drill, Felt } from "../drill";
import { Broken } from "../waiting";

const CF = "/etc/ha.d/ldirectord.cf";
const SAVED_CF = "/var/lib/lvs-dr-drill.cf";
const RESTORE_CF = `if [[ -e ${SAVED_CF} ]]; then cp -p ${SAVED_CF} ${CF}; rm ${SAVED_CF}; systemctl reload-or-restart lvs-dr-ldirectord.service; fi`;
const changeUnit =
  (lines: string) =>
  (run: DrillRun): string =>
    withDropIn(theDaemon(run).unit, lines);
const restoreUnit = on(
  theDirector,
  (run) => `${withoutDropIn(theDaemon(run).unit)}; ${startDaemonCommand(run)}`,
);

/**
 * Shows that health is still checked: a web server stops, and its server leaves the table and comes back.
 * @param startup seconds that a daemon which has just been started may take before its first check
 */
async function proveChecking(run: DrillRun, startup = 0): Promise<Felt> {
  const out = run.promises.eject + startup;
  await outAndBack(run, {
    breaks: webServer(run, "stops", STOP_WEB),
    repairs: webServer(run, "starts", START_WEB),
    out,
  });
  return { failed: exposedRequests(run, out) };
}

/** Nobody may have noticed so far. */
function noneFailed(run: DrillRun, figure: string, since: number): void {
  run.figure(figure, run.log.between(since, run.now - 0.5).failed.length, { max: 0 });
}

const daemonKilled: Drill = {
  name: "ldirectord-killed",
  description: "The daemon that checks dies by SIGKILL: no request is lost, it comes back and checks again",
  maxSeconds: 60,
  unfit: needsOwnDaemon,
  async act(run) {
    const { director, promises } = run;
    const { name, unit } = theDaemon(run);
    const kill = `systemctl kill --kill-whom=all -s KILL ${unit}`;
    const killed = await run.act(`${name} is killed`, director.name, kill);
    const { offset } = await run.clock(director.name);
    const seen = await run.ask(
      director.name,
      // Its main process, not a shell that is about to become it.
      `for ((SECONDS = 0; SECONDS < ${Math.ceil(promises.restartSeconds * run.scale) + 2};)); do pid=$(systemctl show -P MainPID ${unit}); ` +
        `[[ $pid != 0 ]] && grep -q /usr/sbin/${name} /proc/$pid/cmdline && break; pid=0; sleep 0.1; done; echo "$EPOCHREALTIME $pid"`,
      { timeout: 60 },
    );
    const [at = NaN, pid = 0] = seen.trim().split(" ").map(Number);
    const back = at - offset - run.startedAt.getTime() / 1000;
    run.event(`${name} ${pid > 0 ? "runs again" : "does not come back"}`, back);
    run.duration("restartSeconds", pid > 0 ? back - killed : null, promises.restartSeconds);
    await run.sleep(1);
    run.figure("tableChanges", run.table.changesSince(killed), { max: 0 });
    noneFailed(run, "failedWithoutDaemon", killed);
    return proveChecking(run, promises.restartSeconds);
  },
  restore: async (run) => {
    await startWebServers(run);
    await startDaemon(run);
  },
  sabotage: sabotageBy(
    "the unit has Restart=no: whoever kills the daemon has ended it",
    ["restartSeconds"],
    theDirector,
    ["Restart=no", changeUnit("Restart=no")],
    restoreUnit,
  ),
};

const BLOCK_CHECKS = (run: DrillRun): string =>
  // The checks come from the DIP to the RIP, clients' requests go to the VIP: only checks are left hanging.
  "nft -f - <<'NFT'\ntable inet lvsdr_drill { chain input { type filter hook input priority -10; " +
  `${run.family === 6 ? "ip6" : "ip"} saddr ${run.inFamily(run.director)} ${run.family === 6 ? "ip6" : "ip"} daddr ${run.inFamily(run.target)} tcp dport ${run.lab.services[0].port} drop; }; }\nNFT`;
const UNBLOCK = "nft delete table inet lvsdr_drill 2>/dev/null || true";

const CLEARS = "ExecStopPost=/usr/sbin/ipvsadm -C";

const restartDuringCheck: Drill = {
  name: "restart-during-hung-check",
  description: "The daemon that checks is restarted while a check hangs: no request is lost, it runs",
  maxSeconds: 80,
  unfit: needsOwnDaemon,
  cuts: ({ target }) => [target],
  async act(run) {
    const { target, director, promises } = run;
    await run.act(`checks of ${target.name} are left without an answer`, target.name, BLOCK_CHECKS(run));
    await run.sleep(run.lab.services[0].check.checkinterval + 0.5);
    const { name, unit } = theDaemon(run);
    const began = await run.act(`${name} is restarted`, director.name, `systemctl restart ${unit}`);
    await run.sleep(1);
    const state = await daemonState(run);
    run.expect(state === "active", `after its restart ${name} is ${state}`);
    const limit = promises.ejectSilent() + promises.restartSeconds;
    await isOut(run, began, limit, "detectionAfterRestartSeconds");
    const repaired = await run.act(`checks of ${target.name} are answered again`, target.name, UNBLOCK);
    await isBack(run, repaired, promises.recoverSilent);
    return { ...NOTHING_LOST, failed: CUT_OFF };
  },
  restore: async (run) => {
    await Promise.all([on(theTarget, UNBLOCK)(run), startDaemon(run)]);
  },
  sabotage: sabotageBy(
    "a stop of the daemon clears the table, as cleanstop=yes would",
    ["failed", "lostAfterRetry", "answeredBySorry"],
    theDirector,
    [CLEARS, changeUnit(CLEARS)],
    restoreUnit,
  ),
};

/** Bad files as people write them: [what, shell that writes it from the good one on stdin]. */
const BAD_FILES: readonly (readonly [string, string])[] = [
  ["an unknown option on top", "sed '1i frobnicate=yes'"],
  ["emptied", "true"],
  ["cut off in its first service", "sed '/^virtual/q' | sed '$ s/:.*/:/'"],
];

/** Whether `up` brings a configuration with an unknown option into force. */
async function acceptsUnknownOption(run: DrillRun): Promise<boolean> {
  try {
    await applySettings(run, "`up` brings a configuration with an unknown option", () => ({
      LVS_LDIRECTORD_CF: "frobnicate=yes\n",
    }));
    return true;
  } catch (error) {
    if (error instanceof Broken) return false;
    throw error;
  }
}

const badConfig: Drill = {
  name: "bad-config",
  description:
    "Bad configurations, by `up` and by hand with a reload: the old one goes on serving and checking",
  maxSeconds: 200,
  unfit: (run) => needsLdirectord(run) ?? needsTwoServers(run),
  async act(run) {
    const { director } = run;
    const from = run.now;
    const accepted = await acceptsUnknownOption(run);
    run.event(accepted ? "it was accepted" : "it was refused");
    run.expect(!accepted, "the director accepted a configuration with an unknown option");
    await restoreDirector(run);
    for (const [what, script] of BAD_FILES) {
      await run.act(
        `${CF} is ${what}, by hand`,
        director.name,
        `cp -p ${CF} ${SAVED_CF}; ${script} <${SAVED_CF} >${CF}`,
      );
      // Refused is best; but what counts is what the table and the checks become.
      const { code } = await run.shell.run(director.name, `systemctl reload ${theDaemon(run).unit}`, {
        timeout: 120,
      });
      run.event(`its reload is ${code === 0 ? "accepted" : "refused"}`);
      await run.sleep(3);
      const changes = run.table.changesSince(from);
      const sentence = `after a reload of a file that is ${what}, the table is not as before`;
      run.expect(changes === 0, sentence, "table-after-reload");
      await run.act("the good file is back, and reloaded", director.name, RESTORE_CF);
      if (changes > 0) break;
    }
    run.figure("tableChanges", run.table.changesSince(from), { max: 0 });
    noneFailed(run, "failedDuringBadFiles", from);
    return proveChecking(run);
  },
  restore: async (run) => {
    await restoreDirector(run);
    await on(theDirector, (each) => `${RESTORE_CF}; ${startDaemonCommand(each)}`)(run);
    await startWebServers(run);
  },
  sabotage: sabotageBy(
    "the unit hands a reload on to ldirectord without a look at the file",
    ["table-after-reload", "tableChanges"],
    theDirector,
    ["ExecReload=kill -HUP", changeUnit("ExecReload=\\nExecReload=/bin/kill -HUP $MAINPID")],
    async (run) => {
      await restoreUnit(run);
      await startOn(theDirector)(run);
    },
  ),
};

const FILL = "/var/lvs-dr-drill.fill";

const diskFull: Drill = {
  name: "director-disk-full",
  description: "The director's disk is full: traffic and health checks go on",
  maxSeconds: 80,
  async act(run) {
    const { director } = run;
    const from = await run.act(
      "the director's disk is filled",
      director.name,
      // All that df shows, then the rest block by block.
      `fallocate -l "$(($(stat -f -c '%a*%S' /) - 1048576))" ${FILL}; dd if=/dev/zero of=${FILL}.rest bs=64k 2>/dev/null || true`,
    );
    const left = await run.ask(director.name, "stat -f -c %a /");
    run.expect(Number(left) < 64, `the disk is not full: ${left.trim()} blocks left`);
    await run.sleep(3);
    noneFailed(run, "failedWithFullDisk", from);
    const felt = await proveChecking(run);
    await run.act("the disk has room again", director.name, `rm -f ${FILL} ${FILL}.rest`);
    const state = await daemonState(run);
    run.expect(state === "active", `${theDaemon(run).name} is ${state}`);
    return felt;
  },
  restore: async (run) => {
    await on(theDirector, (each) => `rm -f ${FILL} ${FILL}.rest; ${startDaemonCommand(each)}`)(run);
    await startWebServers(run);
  },
  sabotage: noDaemon,
};

export const daemonDrills: readonly Drill[] = [daemonKilled, restartDuringCheck, badConfig, diskFull];
