/** Faults of the real servers' web servers: killed, silent, wrong, flapping. */
import {
  HANG_WEB,
  KILL_WEB,
  needsSorry,
  noDaemon,
  noSorryServer,
  onRealServers,
  START_WEB,
  startWebServers,
  webServer,
  webServers,
} from "../actions";
import { AFTER_EDIT, CUT_OFF, exposure, isBack, NOTHING_LOST, outAndBack, refusalLimits } from "../ejection";
import { applyDirector, restoreDirector, withCheck } from "../directorPayload";
import { flapPromise } from "../limits";
import type { Drill } from "../drill";
import type { DrillRun } from "../drillRun";
import { shellQuote } from "../../lib/text";
import { checkPage, TEST_PAGE } from "../../model/guest/checkPages";
import type { Lab } from "../../model/lab/types";

const webServerKilled: Drill = {
  name: "web-server-killed",
  description: "A real server's web server dies by SIGKILL",
  maxSeconds: 40,
  async act(run) {
    await outAndBack(run, {
      breaks: webServer(run, "is killed", KILL_WEB),
      repairs: webServer(run, "starts", START_WEB),
    });
    return refusalLimits(run);
  },
  restore: startWebServers,
  sabotage: noDaemon,
};

const webServerHangs: Drill = {
  name: "web-server-hangs",
  description: "A web server accepts connections and keeps silent (SIGSTOP)",
  maxSeconds: 60,
  async act(run) {
    const limit = run.promises.ejectSilent();
    const { out } = await outAndBack(run, {
      breaks: webServer(run, "freezes", HANG_WEB),
      repairs: webServer(run, "goes on", START_WEB),
      out: limit,
      back: run.promises.recoverSilent,
      meanwhile: () => run.sleep(1),
    });
    return exposure(run, out, limit);
  },
  restore: startWebServers,
  sabotage: noDaemon,
};

const allWebServersHang: Drill = {
  name: "all-web-servers-hang",
  description: "All web servers keep silent; once that is known, clients get a fast answer",
  maxSeconds: 80,
  unfit: needsSorry,
  async act(run) {
    const limit = run.promises.ejectSilent(run.servers.length);
    const hung = await webServers(run, "freezes", HANG_WEB);
    const out = await run.tableUntil(
      "all are out, and the sorry server is in",
      (weights) => weights?.size === 1 && run.servers.every((server) => run.isOut(server)(weights)),
      hung,
      limit,
    );
    run.duration("detectionSeconds", out - hung, limit);
    await run.sleep(3);
    const thawed = await webServers(run, "goes on", START_WEB);
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
  restore: startWebServers,
  sabotage: noSorryServer,
};

const NGINX = "/etc/lvs-dr/nginx.d/drill.conf";
/** While such a file is there, the checked page answers so. */
const SIGN = "/run/lvs-dr-drill-";
const REPAIR_PAGE = `rm -f ${SIGN}*; if [[ -e ${NGINX} ]]; then rm ${NGINX}; systemctl reload nginx; fi`;

/** Has nginx look for the signs when the page of a real server's health check is asked for, at the address where checks come. */
function watchSigns({ lab, target: { name, address } }: Pick<DrillRun, "lab" | "target">): string {
  const page = `${address}${(checkPage(lab.services[0], name) ?? TEST_PAGE).path}`;
  const answers = { text: "200 oops", status: "500" };
  const rules = Object.entries(answers).map(
    ([sign, answer]) =>
      `if (-f ${SIGN}${sign}) { set $drill "${sign} $drill"; } if ($drill = "${sign} ${page}") { return ${answer}; }`,
  );
  const text = ["set $drill $server_addr$uri;", ...rules].join(" ");
  return `printf '%s\\n' ${shellQuote(text)} >${NGINX}; systemctl reload nginx`;
}

/** [what, sign, figure] */
const WRONG = [
  ["wrong text", "text", "detectionTextSeconds"],
  ["status 500", "status", "detectionStatusSeconds"],
] as const;

const wrongAnswer: Drill = {
  name: "wrong-answer",
  description: "The checked page answers with the wrong text, later with status 500",
  maxSeconds: 80,
  async act(run) {
    const { name } = run.target;
    await run.ask(name, watchSigns(run));
    for (const [what, sign, figure] of WRONG) {
      await run.randomPhase();
      await outAndBack(run, {
        breaks: [`${name}'s check page: ${what}`, `touch ${SIGN}${sign}`],
        repairs: [`${name}'s check page is right again`, `rm ${SIGN}${sign}`],
        figure,
      });
    }
    await run.ask(name, REPAIR_PAGE);
    await run.sleep(1);
    // Its pages were fine all the time.
    return { ...NOTHING_LOST, failed: CUT_OFF * WRONG.length };
  },
  restore: onRealServers(REPAIR_PAGE),
  sabotage: noDaemon,
};

/** Seconds between two changes, and how long it goes on. */
const FLAP = { period: 1, seconds: 40 };
const flapProgram = (bad: string, good: string): string =>
  `systemd-run -q --unit lvs-dr-drill-flap --collect bash -c ` +
  `'for ((i = 0; i < ${FLAP.seconds / FLAP.period / 2}; i++)); do ${bad}; sleep ${FLAP.period}; ${good}; sleep ${FLAP.period}; done'`;
const FLAP_END = `systemctl stop lvs-dr-drill-flap 2>/dev/null || true; ${REPAIR_PAGE}; ${START_WEB}`;

const damps = (lab: Lab): boolean => flapPromise(lab, FLAP.period).why === undefined;

const flapping: Drill = {
  name: "flapping",
  description: "The checked page comes and goes each second; the table must not follow each time",
  maxSeconds: 80,
  async act(run) {
    const { name } = run.target;
    const { max, why } = flapPromise(run.lab, FLAP.period);
    if (why !== undefined) run.event(why);
    const program =
      run.sabotaged && !damps(run.lab)
        ? flapProgram("systemctl kill -s KILL nginx", "systemctl start nginx")
        : `${watchSigns(run)}; ${flapProgram(`touch ${SIGN}status`, `rm ${SIGN}status`)}`;
    const began = await run.act(`${name} flaps for ${FLAP.seconds} s`, name, program);
    await run.sleep(FLAP.seconds + 1);
    const flapped = run.table.changesSince(began);
    const ejections = run.table.ejections(began, run.now);
    const steady = await run.act(`${name} is steady again`, name, FLAP_END);
    await isBack(run, steady, run.promises.recover);
    await run.sleep(1);
    run.figure("ejections", ejections);
    run.figure("tableChangesPer10s", (flapped * 10) / FLAP.seconds, { max });
    return { ...NOTHING_LOST, failed: CUT_OFF * ejections };
  },
  restore: onRealServers(FLAP_END),
  sabotage: {
    what: "failurecount is 1, whatever is configured; where it is 1 anyway, the web server itself flaps",
    expects: ["tableChangesPer10s", "failed", "lostAfterRetry", "answeredBySorry"],
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

export const webServerDrills: readonly Drill[] = [
  webServerKilled,
  webServerHangs,
  allWebServersHang,
  wrongAnswer,
  flapping,
];
