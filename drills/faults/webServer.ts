/** Faults of the real servers' web servers: killed, silent, wrong, flapping. */
import {
  actOnAll,
  HANG_WEB,
  KILL_WEB,
  needsSorry,
  needsTwoServers,
  noDaemon,
  noSorryServer,
  startWebServers,
  START_WEB,
} from "../actions";
import { AFTER_EDIT, CUT_OFF, isBack, isOut, exposure, refusalLimits } from "../ejection";
import { applyDirector, restoreDirector, withCheck } from "../directorPayload";
import { flapPromise } from "../limits";
import type { Drill } from "../drill";
import type { Lab } from "../../model/lab/types";

const webServerKilled: Drill = {
  name: "web-server-killed",
  description: "A real server's web server dies by SIGKILL",
  maxSeconds: 40,
  unfit: needsTwoServers,
  async act(run) {
    const { target } = run;
    const killed = await run.act(`${target.name}'s web server is killed`, target.name, KILL_WEB);
    await isOut(run, killed, run.promises.eject);
    const started = await run.act(`${target.name}'s web server starts`, target.name, START_WEB);
    await isBack(run, started, run.promises.recover);
    return refusalLimits(run);
  },
  restore: (run) => startWebServers(run),
  sabotage: noDaemon,
};

const webServerHangs: Drill = {
  name: "web-server-hangs",
  description: "A web server accepts connections and keeps silent (SIGSTOP)",
  maxSeconds: 60,
  unfit: needsTwoServers,
  async act(run) {
    const { target } = run;
    const limit = run.promises.ejectSilent();
    const hung = await run.act(`${target.name}'s web server freezes`, target.name, HANG_WEB);
    const out = await isOut(run, hung, limit);
    await run.sleep(1);
    const thawed = await run.act(`${target.name}'s web server goes on`, target.name, START_WEB);
    await isBack(run, thawed, run.promises.recoverSilent);
    return exposure(run, out, limit);
  },
  restore: (run) => startWebServers(run),
  sabotage: noDaemon,
};

const allWebServersHang: Drill = {
  name: "all-web-servers-hang",
  description: "All web servers keep silent; once that is known, clients get a fast answer",
  maxSeconds: 80,
  unfit: needsSorry,
  async act(run) {
    const limit = run.promises.ejectSilent(run.servers.length);
    const hung = await actOnAll(run, ({ name }) => `${name}'s web server freezes`, run.servers, HANG_WEB);
    const out = await run.tableUntil(
      "all are out, and the sorry server is in",
      (weights) => weights?.size === 1 && run.servers.every((server) => run.isOut(server)(weights)),
      hung,
      limit,
    );
    run.duration("detectionSeconds", out - hung, limit);
    await run.sleep(3);
    const thawed = await actOnAll(run, ({ name }) => `${name}'s web server goes on`, run.servers, START_WEB);
    await isBack(run, thawed, run.promises.recoverSilent, "all are back");
    return {
      judge: (log) => {
        const meanwhile = log.between(out + AFTER_EDIT, thawed - 0.5);
        run.figure("failedWhileAllHang", meanwhile.failed.length, { max: 0 });
        run.figure("worstAnswerMs", Math.max(0, ...meanwhile.first.map(({ latencyMs }) => latencyMs)), {
          max: run.promises.worstAnswerMs * run.scale,
        });
      },
    };
  },
  restore: (run) => startWebServers(run),
  sabotage: noSorryServer,
};

const ERROR_500 = "location = /test.html { return 500; }";

const wrongAnswer: Drill = {
  name: "wrong-answer",
  description: "The checked page answers with the wrong text, later with status 500",
  maxSeconds: 80,
  unfit: needsTwoServers,
  async act(run) {
    const { target } = run;
    const { name } = target;
    const variants = [
      [
        "wrong text",
        "echo oops >/srv/lvs-dr/test.html.drill && mv /srv/lvs-dr/test.html.drill /srv/lvs-dr/test.html",
      ],
      ["status 500", `echo '${ERROR_500}' >/etc/lvs-dr/nginx.d/drill.conf; systemctl reload nginx`],
    ] as const;
    await run.ask(name, "cp -p /srv/lvs-dr/test.html /srv/lvs-dr/.test.html.before");
    for (const [what, command] of variants) {
      await run.randomPhase();
      const wrong = await run.act(`${name}'s check page: ${what}`, name, command);
      const figure = what === "status 500" ? "detectionStatusSeconds" : "detectionTextSeconds";
      await isOut(run, wrong, run.promises.eject, figure);
      const mended = await run.act(`${name}'s check page is right again`, name, MEND_PAGE);
      await isBack(run, mended, run.promises.recover);
    }
    await run.sleep(1);
    // Its pages were fine all the time.
    return { failed: CUT_OFF * variants.length, lost: 0 };
  },
  restore: async (run) => {
    await Promise.all(run.lab.realServers.map(({ name }) => run.shell.check(name, MEND_PAGE)));
  },
  sabotage: noDaemon,
};

const MEND_PAGE =
  "if [[ -e /srv/lvs-dr/.test.html.before ]]; then cp -p /srv/lvs-dr/.test.html.before /srv/lvs-dr/test.html.drill; " +
  "mv /srv/lvs-dr/test.html.drill /srv/lvs-dr/test.html; fi; " +
  "if [[ -e /etc/lvs-dr/nginx.d/drill.conf ]]; then rm /etc/lvs-dr/nginx.d/drill.conf; systemctl reload nginx; fi";

/** Seconds between two changes, and how long it goes on. */
const FLAP = { period: 1, seconds: 40 };
const flapProgram = (bad: string, good: string): string =>
  `systemd-run -q --unit lvs-dr-drill-flap --collect bash -c ` +
  `'for ((i = 0; i < ${FLAP.seconds / FLAP.period / 2}; i++)); do ${bad}; sleep ${FLAP.period}; ${good}; sleep ${FLAP.period}; done'`;

const flapping: Drill = {
  name: "flapping",
  description: "The checked page comes and goes each second; the table must not follow each time",
  maxSeconds: 80,
  unfit: needsTwoServers,
  async act(run) {
    const { target } = run;
    const { max, why } = flapPromise(run.lab, FLAP.period);
    if (why !== undefined) run.event(why);
    const page = "/srv/lvs-dr/test.html";
    const program =
      run.sabotaged && !damps(run.lab)
        ? flapProgram("systemctl kill -s KILL nginx", "systemctl start nginx")
        : flapProgram(`mv ${page} ${page}.away`, `mv ${page}.away ${page}`);
    const began = await run.act(`${target.name} flaps for ${FLAP.seconds} s`, target.name, program);
    await run.sleep(FLAP.seconds + 1);
    const flapped = run.table.changes.filter(({ t }) => t > began).length;
    const ejections = run.table.ejections(began, run.now);
    const steady = await run.act(`${target.name} is steady again`, target.name, FLAP_END);
    await isBack(run, steady, run.promises.recover);
    await run.sleep(1);
    run.figure("ejections", ejections);
    run.figure("tableChangesPer10s", (flapped * 10) / FLAP.seconds, { max });
    return { failed: CUT_OFF * ejections, lost: 0 };
  },
  restore: async (run) => {
    await Promise.all(run.lab.realServers.map(({ name }) => run.shell.check(name, FLAP_END)));
  },
  sabotage: {
    what: "failurecount is 1, whatever is configured; where it is 1 anyway, the web server itself flaps",
    expects: /^(tableChangesPer10s|failed|lostAfterRetry|answeredBySorry) is/,
    apply: async (run) => {
      if (damps(run.lab))
        await applyDirector(run, "sabotage: failurecount becomes 1", withCheck(run.lab, { failurecount: 1 }));
    },
    undo: async (run) => {
      await startWebServers(run);
      await restoreDirector(run);
    },
  },
};

function damps(lab: Lab): boolean {
  return flapPromise(lab, FLAP.period).why === undefined;
}

const FLAP_END =
  "systemctl stop lvs-dr-drill-flap 2>/dev/null || true; " +
  `[[ ! -e /srv/lvs-dr/test.html.away ]] || mv /srv/lvs-dr/test.html.away /srv/lvs-dr/test.html; ${START_WEB}`;

export const webServerDrills: readonly Drill[] = [
  webServerKilled,
  webServerHangs,
  allWebServersHang,
  wrongAnswer,
  flapping,
];
