/** Faults around ldirectord: killed, restarted at a bad moment, misconfigured, without disk. */
import {
  DAEMON,
  needsDaemon,
  needsTwoServers,
  noDaemon,
  startWebServers,
  START_DAEMON,
  startDaemon,
  START_WEB,
  STOP_WEB,
} from "../actions";
import { applySettings, restoreDirector } from "../directorPayload";
import type { DrillRun } from "../drillRun";
import { CUT_OFF, exposedRequests, isBack, isOut } from "../ejection";
import type { Drill } from "../drill";
import { Broken } from "../waiting";

const CF = "/etc/ha.d/ldirectord.cf";
const SAVED_CF = "/var/lib/lvs-dr-drill.cf";
/** In /run, so that no sabotage outlives a boot. */
const DROP_IN = `/run/systemd/system/${DAEMON}.d`;
/** Bash that gives the daemon's unit other settings; `\\n` between two. */
const withDropIn = (lines: string): string =>
  `mkdir -p ${DROP_IN}; printf '[Service]\\n%b\\n' '${lines}' >${DROP_IN}/drill.conf; systemctl daemon-reload`;

/**
 * Shows that health is still checked: a web server stops, and its server leaves the table and comes back.
 * @param startup seconds that a daemon which has just been started may take before its first check
 * @returns how many requests that may cost
 */
async function proveChecking(run: DrillRun, startup = 0): Promise<number> {
  const { target } = run;
  const limit = run.promises.eject + startup;
  const stopped = await run.act(`${target.name}'s web server stops`, target.name, STOP_WEB);
  await isOut(run, stopped, limit);
  const started = await run.act(`${target.name}'s web server starts`, target.name, START_WEB);
  await isBack(run, started, run.promises.recover);
  return exposedRequests(run, limit);
}

const daemonKilled: Drill = {
  name: "ldirectord-killed",
  description: "ldirectord dies by SIGKILL: no request is lost, it comes back and checks again",
  maxSeconds: 60,
  unfit: needsTwoServers,
  async act(run) {
    const { director } = run;
    const killed = await run.act(
      "ldirectord is killed",
      director.name,
      `systemctl kill --kill-whom=all -s KILL ${DAEMON}`,
    );
    const { offset } = await run.clock(director.name);
    const seen = await run.ask(
      director.name,
      // Its main process, not a shell that is about to become it.
      `for ((SECONDS = 0; SECONDS < ${Math.ceil(run.promises.restartSeconds * run.scale) + 2};)); do pid=$(systemctl show -P MainPID ${DAEMON}); ` +
        `[[ $pid != 0 ]] && grep -q ldirectord /proc/$pid/cmdline && break; pid=0; sleep 0.1; done; echo "$EPOCHREALTIME $pid"`,
      { timeout: 60 },
    );
    const [at = NaN, pid = 0] = seen.trim().split(" ").map(Number);
    const back = at - offset - run.startedAt.getTime() / 1000;
    run.event(pid > 0 ? "ldirectord runs again" : "ldirectord does not come back", back);
    run.duration("restartSeconds", pid > 0 ? back - killed : null, run.promises.restartSeconds);
    await run.sleep(1);
    run.figure("tableChanges", run.table.changes.filter(({ t }) => t > killed).length, { max: 0 });
    run.figure("failedWithoutDaemon", run.log.between(killed, run.now - 0.5).failed.length, { max: 0 });
    const failed = await proveChecking(run, run.promises.restartSeconds);
    return { failed };
  },
  restore: async (run) => {
    await startWebServers(run);
    await startDaemon(run);
  },
  sabotage: {
    what: "the unit has Restart=no: whoever kills ldirectord has ended it",
    expects: /^restartSeconds cannot be told/,
    apply: async (run) => {
      await run.act("sabotage: Restart=no", run.director.name, withDropIn("Restart=no"));
    },
    undo: async (run) => {
      await run.shell.check(run.director.name, `rm -rf ${DROP_IN}; systemctl daemon-reload; ${START_DAEMON}`);
    },
  },
};

const BLOCK_CHECKS = (run: DrillRun): string =>
  // The checks come from the DIP to the RIP, clients' requests go to the VIP: only checks are left hanging.
  "nft -f - <<'NFT'\ntable inet lvsdr_drill { chain input { type filter hook input priority -10; " +
  `ip saddr ${run.director.address} ip daddr ${run.target.address} tcp dport ${run.lab.services[0].port} drop; }; }\nNFT`;
const UNBLOCK = "nft delete table inet lvsdr_drill 2>/dev/null || true";

const restartDuringCheck: Drill = {
  name: "restart-during-hung-check",
  description: "ldirectord is restarted while a check hangs: no request is lost, the daemon runs",
  maxSeconds: 80,
  unfit: needsTwoServers,
  async act(run) {
    const { target, lab } = run;
    const { director } = run;
    const limit = run.promises.ejectSilent();
    await run.act(`checks of ${target.name} are left without an answer`, target.name, BLOCK_CHECKS(run));
    await run.sleep(lab.services[0].check.checkinterval + 0.5);
    const began = await run.act("ldirectord is restarted", director.name, `systemctl restart ${DAEMON}`);
    await run.sleep(1);
    const state = await run.ask(director.name, `systemctl is-active ${DAEMON} || true`);
    run.expect(state.trim() === "active", `after its restart ldirectord is ${state.trim()}`);
    await isOut(run, began, limit + run.promises.restartSeconds, "detectionAfterRestartSeconds");
    const healed = await run.act(`checks of ${target.name} are answered again`, target.name, UNBLOCK);
    await isBack(run, healed, run.promises.recoverSilent);
    return { failed: CUT_OFF, lost: 0 };
  },
  restore: async (run) => {
    await Promise.all([run.shell.check(run.target.name, UNBLOCK), startDaemon(run)]);
  },
  sabotage: {
    what: "a stop of the daemon clears the table, as cleanstop=yes would",
    expects: /^(failed|lostAfterRetry|answeredBySorry) is/,
    apply: async (run) => {
      const line = "ExecStopPost=/usr/sbin/ipvsadm -C";
      await run.act(`sabotage: ${line}`, run.director.name, withDropIn(line));
    },
    undo: (run) => daemonKilled.sabotage.undo(run),
  },
};

/** Bad files as people write them: [what, shell that writes it from the good one on stdin]. */
const BAD_FILES: readonly (readonly [string, string])[] = [
  ["an unknown option on top", "sed '1i frobnicate=yes'"],
  ["emptied", "true"],
  ["cut off in its first service", "sed '/^virtual/q' | sed '$ s/:.*/:/'"],
];

const badConfig: Drill = {
  name: "bad-config",
  description:
    "Bad configurations, by `up` and by hand with a reload: the old one goes on serving and checking",
  maxSeconds: 200,
  unfit: needsTwoServers,
  async act(run) {
    const { director } = run;
    const from = run.now;
    const refused = await applySettings(run, "`up` brings a configuration with an unknown option", {
      LVS_LDIRECTORD_CF: "frobnicate=yes\n",
    }).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof Broken) return error.message;
        throw error;
      },
    );
    run.event(refused === undefined ? "it was accepted" : "it was refused");
    run.expect(refused !== undefined, "the director accepted a configuration with an unknown option");
    await restoreDirector(run);
    for (const [what, script] of BAD_FILES) {
      await run.act(
        `${CF} is ${what}, by hand`,
        director.name,
        `cp -p ${CF} ${SAVED_CF}; ${script} <${SAVED_CF} >${CF}`,
      );
      // Refused is best; but what counts is what the table and the checks become.
      const { code } = await run.shell.run(director.name, `systemctl reload ${DAEMON}`, { timeout: 120 });
      run.event(`its reload is ${code === 0 ? "accepted" : "refused"}`);
      await run.sleep(3);
      const changes = run.table.changes.filter(({ t }) => t > from).length;
      run.expect(changes === 0, `after a reload of a file that is ${what}, the table is not as before`);
      await run.act("the good file is back, and reloaded", director.name, MEND_CF);
      if (changes > 0) break;
    }
    run.figure("tableChanges", run.table.changes.filter(({ t }) => t > from).length, { max: 0 });
    run.figure("failedDuringBadFiles", run.log.between(from, run.now - 0.5).failed.length, { max: 0 });
    const failed = await proveChecking(run);
    return { failed };
  },
  restore: async (run) => {
    await restoreDirector(run);
    await run.shell.check(run.director.name, `${MEND_CF}; ${START_DAEMON}`);
    await startWebServers(run);
  },
  sabotage: {
    what: "the unit hands a reload on to ldirectord without a look at the file",
    expects: /^(after a reload of a file|tableChanges is)/,
    apply: async (run) => {
      await run.act(
        "sabotage: ExecReload=kill -HUP",
        run.director.name,
        withDropIn("ExecReload=\\nExecReload=/bin/kill -HUP $MAINPID"),
      );
    },
    undo: async (run) => {
      await daemonKilled.sabotage.undo(run);
      await run.shell.check(run.director.name, "/usr/local/sbin/lvs-dr start", { timeout: 180 });
    },
  },
};

const MEND_CF = `if [[ -e ${SAVED_CF} ]]; then cp -p ${SAVED_CF} ${CF}; rm ${SAVED_CF}; systemctl reload-or-restart ${DAEMON}; fi`;

const FILL = "/var/lvs-dr-drill.fill";

const diskFull: Drill = {
  name: "director-disk-full",
  description: "The director's disk is full: traffic and health checks go on",
  maxSeconds: 80,
  unfit: needsTwoServers,
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
    run.figure("failedWithFullDisk", run.log.between(from, run.now - 0.5).failed.length, { max: 0 });
    const failed = await proveChecking(run);
    await run.act("the disk has room again", director.name, `rm -f ${FILL} ${FILL}.rest`);
    const state = await run.ask(director.name, `systemctl is-active ${DAEMON} || true`);
    run.expect(state.trim() === "active", `ldirectord is ${state.trim()}`);
    return { failed };
  },
  restore: async (run) => {
    await run.shell.check(run.director.name, `rm -f ${FILL} ${FILL}.rest; ${START_DAEMON}`);
    await startWebServers(run);
  },
  sabotage: noDaemon,
};

export const daemonDrills: readonly Drill[] = [
  { ...daemonKilled, unfit: (run) => needsTwoServers(run) ?? needsDaemon(run) },
  restartDuringCheck,
  badConfig,
  diskFull,
];
