/** The source article's own tests: web servers are stopped and started, the table and the client tell. */
import { endpoint } from "../../model/lab/address";
import {
  actOnAll,
  needsSorry,
  needsTwoServers,
  noDaemon,
  noSorryServer,
  startWebServers,
  START_WEB,
  STOP_WEB,
} from "../actions";
import type { DrillRun } from "../drillRun";
import { AFTER_EDIT, isBack, isOut, noneFails, refusalLimits } from "../ejection";
import type { Drill } from "../drill";

function sorryEndpoint(run: DrillRun): string {
  const { sorry } = run.lab.services[0];
  return sorry === undefined ? "" : endpoint(sorry.address, sorry.port);
}

/** Stops all web servers and waits for the sorry server. */
async function stopAll(run: DrillRun): Promise<number> {
  const stopped = await actOnAll(run, ({ name }) => `${name}'s web server stops`, run.servers, STOP_WEB);
  const only = sorryEndpoint(run);
  return run.tableUntil(
    "the sorry server alone is in the table",
    (weights) => weights?.size === 1 && weights.has(only),
    stopped,
    run.promises.eject,
  );
}

const webServerStops: Drill = {
  name: "web-server-stops",
  description: "A real server's web server stops: it leaves the table, and only the others answer",
  standard: true,
  maxSeconds: 40,
  unfit: needsTwoServers,
  async act(run) {
    const { target, others } = run;
    const stopped = await run.act(`${target.name}'s web server stops`, target.name, STOP_WEB);
    const out = await isOut(run, stopped, run.promises.eject);
    await run.sleep(2);
    const started = await run.act(`${target.name}'s web server starts`, target.name, START_WEB);
    run.expectAnswersFrom(
      others.map(({ name }) => name),
      out + AFTER_EDIT,
      started,
    );
    await isBack(run, started, run.promises.recover);
    return refusalLimits(run);
  },
  restore: (run) => startWebServers(run),
  sabotage: noDaemon,
};

const allWebServersStop: Drill = {
  name: "all-web-servers-stop",
  description: "The last web server stops too: the sorry server stands in, and the client reads its page",
  standard: true,
  maxSeconds: 40,
  unfit: needsSorry,
  async act(run) {
    const sorry = await stopAll(run);
    const stopped = Math.max(...run.events.filter(({ what }) => what.endsWith("stops")).map(({ t }) => t));
    run.duration("detectionSeconds", sorry - stopped, run.promises.eject);
    await run.sleep(2);
    const { name: director } = run.director;
    const { vip, port } = run.lab.services[0];
    const page = await run.ask(
      run.lab.client.name,
      `curl -s --max-time 5 http://${endpoint(vip, port)}/ || true`,
    );
    run.expect(
      page.trim() === run.lab.sorryPage.trim(),
      `the client reads ${JSON.stringify(page.trim().slice(0, 60))}, expected ${director}'s page ${JSON.stringify(run.lab.sorryPage.trim())}`,
    );
    const started = await actOnAll(run, ({ name }) => `${name}'s web server starts`, run.servers, START_WEB);
    run.expectAnswersFrom(["sorry"], sorry + AFTER_EDIT, started - 0.5);
    await run.tableUntil("all are back", run.table.isAsMeant, started, run.promises.recover);
    return {
      // Until both are out, every request may fail.
      failed: Math.ceil(run.promises.eject * run.scale * 10),
      judge: (log) => {
        const meanwhile = log.between(sorry + AFTER_EDIT, started - 0.5);
        run.figure("lostWithSorryServer", meanwhile.failed.length, { max: 0 });
      },
    };
  },
  restore: (run) => startWebServers(run),
  sabotage: noSorryServer,
};

const oneWebServerReturns: Drill = {
  name: "one-web-server-returns",
  description: "One web server starts again: the sorry server leaves at once, and that server alone answers",
  standard: true,
  maxSeconds: 50,
  unfit: (run) => needsTwoServers(run) ?? needsSorry(run),
  async act(run) {
    const { target, others } = run;
    await stopAll(run);
    await run.randomPhase();
    const started = await run.act(`${target.name}'s web server starts`, target.name, START_WEB);
    const back = await run.tableUntil(
      `${target.name} alone is in the table`,
      (weights) => weights?.size === 1 && weights.has(run.endpoint(target)),
      started,
      run.promises.recover,
    );
    run.duration("recoverySeconds", back - started, run.promises.recover);
    await run.sleep(2);
    const rest = await actOnAll(run, ({ name }) => `${name}'s web server starts`, others, START_WEB);
    run.expectAnswersFrom([target.name], back + AFTER_EDIT, rest - 0.5);
    await run.tableUntil("all are back", run.table.isAsMeant, rest, run.promises.recover);
    return noneFails(run, "lostSinceReturn", back);
  },
  restore: (run) => startWebServers(run),
  sabotage: {
    what: "ldirectord is stopped once the sorry server is in: nobody lets the real server back in",
    expects: /^not within .*: (\S+ alone is in the table|all are back)/,
    apply: async (run) => {
      const { director } = run;
      // From inside the guest, so that the drill itself stays as it is: at the first sight of the sorry server.
      await run.act(
        "sabotage: ldirectord will be stopped when the sorry server comes in",
        director.name,
        "systemd-run -q --unit lvs-dr-sabotage --collect bash -c " +
          '\'for ((i = 0; i < 600; i++)); do grep -q 7F000001 /proc/net/ip_vs && grep -cq -- "  -> [0-9A-F]" /proc/net/ip_vs && ' +
          '[[ $(grep -c -- "  -> [0-9A-F]" /proc/net/ip_vs) == 1 ]] && exec systemctl stop lvs-dr-ldirectord; sleep 0.1; done\'',
      );
    },
    undo: async (run) => {
      await run.shell.run(run.director.name, "systemctl stop lvs-dr-sabotage 2>/dev/null");
      await noDaemon.undo(run);
    },
  },
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
    const started = await actOnAll(run, ({ name }) => `${name}'s web server starts`, run.servers, START_WEB);
    const what = "all are back with their weights, and the sorry server is out";
    const back = await isBack(run, started, run.promises.recover, what);
    // So that each has its turn.
    await run.sleep(3);
    const felt = noneFails(run, "lostSinceReturn", back);
    return {
      judge: (log) => {
        felt.judge?.(log);
        const seen = log.between(back + AFTER_EDIT, Infinity).answeredBy;
        for (const { name } of run.servers)
          run.expect((seen[name] ?? 0) > 0, `${name} is back in the table and answers nobody`);
        run.expect(seen.sorry === undefined, "the sorry server still answers");
      },
    };
  },
  restore: (run) => startWebServers(run),
  sabotage: oneWebServerReturns.sabotage,
};

export const articleDrills: readonly Drill[] = [
  webServerStops,
  allWebServersStop,
  oneWebServerReturns,
  webServersReturn,
];
