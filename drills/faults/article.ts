/** The source article's own tests: web servers are stopped and started, the table and the client tell. */
import { endpoint } from "../../model/lab/address";
import { serviceUrl } from "../../model/lab/types";
import {
  needsSorry,
  needsTwoServers,
  noDaemon,
  noSorryServer,
  startWebServers,
  START_WEB,
  STOP_WEB,
  theDaemon,
  theDirector,
  sabotageBy,
  webServer,
  webServers,
} from "../actions";
import { RATE, type DrillRun } from "../drillRun";
import { AFTER_EDIT, isBack, noneFails, outAndBack, refusalLimits } from "../ejection";
import type { Drill } from "../drill";

/** Stops all web servers and waits for the sorry server: when they had stopped, and when it was in. */
async function stopAll(run: DrillRun): Promise<{ stopped: number; sorry: number }> {
  const stopped = await webServers(run, "stops", STOP_WEB);
  const { sorry } = run.lab.services[0];
  const only = sorry === undefined ? "" : endpoint(sorry.address, sorry.port);
  const isIn = await run.tableUntil(
    "the sorry server alone is in the table",
    (weights) => weights?.size === 1 && weights.has(only),
    stopped,
    run.promises.eject,
  );
  return { stopped, sorry: isIn };
}

const webServerStops: Drill = {
  name: "web-server-stops",
  description: "A real server's web server stops: it leaves the table, and only the others answer",
  standard: true,
  maxSeconds: 40,
  async act(run) {
    const { out, repaired } = await outAndBack(run, {
      breaks: webServer(run, "stops", STOP_WEB),
      repairs: webServer(run, "starts", START_WEB),
      meanwhile: () => run.sleep(2),
    });
    run.expectAnswersFrom(
      run.others.map(({ name }) => name),
      out + AFTER_EDIT,
      repaired,
    );
    return refusalLimits(run);
  },
  restore: startWebServers,
  sabotage: noDaemon,
};

const allWebServersStop: Drill = {
  name: "all-web-servers-stop",
  description: "The last web server stops too: the sorry server stands in, and the client reads its page",
  standard: true,
  maxSeconds: 40,
  unfit: needsSorry,
  async act(run) {
    const { stopped, sorry } = await stopAll(run);
    run.duration("detectionSeconds", sorry - stopped, run.promises.eject);
    await run.sleep(2);
    const {
      clients: [client],
      services,
      sorryPage,
    } = run.lab;
    const page = await run.ask(client.name, `curl -s --max-time 5 ${serviceUrl(services[0])} || true`);
    run.expect(
      page.trim() === sorryPage.trim(),
      `the client reads ${JSON.stringify(page.trim().slice(0, 60))}, expected ${run.director.name}'s page ${JSON.stringify(sorryPage.trim())}`,
      "sorry-page",
    );
    const started = await webServers(run, "starts", START_WEB);
    run.expectAnswersFrom(["sorry"], sorry + AFTER_EDIT, started - 0.5);
    await run.asConfigured(started, run.promises.recover, "all are back");
    return {
      // Until both are out, every request may fail.
      failed: Math.ceil(run.promises.eject * run.scale * RATE),
      judge: (log) => {
        const meanwhile = log.between(sorry + AFTER_EDIT, started - 0.5);
        run.figure("lostWithSorryServer", meanwhile.failed.length, { max: 0 });
      },
    };
  },
  restore: startWebServers,
  sabotage: noSorryServer,
};

const stopped = sabotageBy(
  "the daemon that checks is stopped once the sorry server is in: nobody lets the real server back in",
  ["not-alone", "not-as-configured"],
  theDirector,
  [
    "the daemon that checks will be stopped when the sorry server comes in",
    // From inside the guest, so that the drill itself stays as it is: at the first sight of the sorry server.
    (run) =>
      "systemd-run -q --unit lvs-dr-sabotage --collect bash -c " +
      '\'for ((i = 0; i < 600; i++)); do grep -qE "7F000001|:0001]:" /proc/net/ip_vs && grep -cq -- "  -> [0-9A-F]" /proc/net/ip_vs && ' +
      '[[ $(grep -c -- "  -> [0-9A-F]" /proc/net/ip_vs) == 1 ]] && ' +
      `{ ${theDaemon(run).stopChecks}; exit; }; sleep 0.1; done'`,
  ],
  async (run) => {
    await run.shell.run(run.director.name, "systemctl stop lvs-dr-sabotage 2>/dev/null");
    await noDaemon.undo(run);
  },
);

const oneWebServerReturns: Drill = {
  name: "one-web-server-returns",
  description: "One web server starts again: the sorry server leaves at once, and that server alone answers",
  standard: true,
  maxSeconds: 50,
  unfit: (run) => needsTwoServers(run) ?? needsSorry(run),
  async act(run) {
    const { target } = run;
    await stopAll(run);
    await run.randomPhase();
    const started = await run.act(`${target.name}'s web server starts`, target.name, START_WEB);
    const back = await run.tableUntil(
      `${target.name} alone is in the table`,
      (weights) => weights?.size === 1 && weights.has(run.endpoint(target)),
      started,
      run.promises.recover,
      "not-alone",
    );
    run.duration("recoverySeconds", back - started, run.promises.recover);
    await run.sleep(2);
    const rest = await webServers(run, "starts", START_WEB, run.others);
    run.expectAnswersFrom([target.name], back + AFTER_EDIT, rest - 0.5);
    await run.asConfigured(rest, run.promises.recover, "all are back");
    return noneFails(run, "lostSinceReturn", back);
  },
  restore: startWebServers,
  sabotage: stopped,
};

const webServersReturn: Drill = {
  name: "web-servers-return",
  description: "All web servers start again: all are back with their weights, and the sorry server is out",
  standard: true,
  maxSeconds: 60,
  unfit: needsSorry,
  async act(run) {
    await stopAll(run);
    await run.randomPhase();
    const started = await webServers(run, "starts", START_WEB);
    const what = "all are back with their weights, and the sorry server is out";
    const back = await isBack(run, started, run.promises.recover, what);
    // So that each has its turn.
    await run.sleep(3);
    return {
      judge: (log) => {
        noneFails(run, "lostSinceReturn", back).judge?.(log);
        const seen = log.between(back + AFTER_EDIT, Infinity).answeredBy;
        const silent = run.servers.filter(({ name }) => (seen[name] ?? 0) === 0).map(({ name }) => name);
        // Persistence keeps the client on one of them.
        const others = run.lab.services[0].persistent === undefined ? 0 : run.servers.length - 1;
        run.expect(
          silent.length <= others,
          `${silent.join(", ")}: back in the table, and nobody is answered`,
        );
        run.expect(seen.sorry === undefined, "the sorry server still answers");
      },
    };
  },
  restore: startWebServers,
  sabotage: stopped,
};

export const articleDrills: readonly Drill[] = [
  webServerStops,
  allWebServersStop,
  oneWebServerReturns,
  webServersReturn,
];
