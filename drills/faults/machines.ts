/** Faults of whole guests: power cut, reboots. */
import { nicOn } from "../../model/lab/types";
import { needsTwoServers, noDaemon } from "../actions";
import type { DrillRun } from "../drillRun";
import { NotInTime } from "../waiting";
import { perl, type Stream } from "../stream";
import { AFTER_EDIT, exposedRequests, exposure, isOut, noneFails } from "../ejection";
import type { Drill } from "../drill";

/** Waits until a guest answers over a new connection. */
async function answers(run: DrillRun, node: string, seconds: number): Promise<void> {
  const deadline = run.now + seconds * run.scale;
  for (;;) {
    const shell = run.environment.ownShell();
    try {
      // /run is empty after a boot: the mark says that this is still the old one.
      const { code } = await shell.run(node, "test ! -e /run/lvs-dr-drill-before", { timeout: 20 });
      if (code === 0) return;
    } finally {
      await shell.close();
    }
    if (run.now > deadline)
      throw new NotInTime(`${node} does not answer ${seconds * run.scale} s after its reboot`);
    await run.sleep(1);
  }
}

/** Starts what is off, and waits until all guests answer. */
async function powerOn(run: DrillRun, domain: string, node: string): Promise<void> {
  await run.environment.power.on(domain).catch(() => undefined);
  await answers(run, node, run.promises.rebootSeconds);
  run.forgetClock(node);
  run.environment.renewShell();
}

interface Flow {
  readonly stream: Stream;
  /** How and when it ended; undefined while it has not. */
  over(): { readonly t: number; readonly what: string } | undefined;
}

/** A connection of the client's that is open to the target, and used twice a second. */
async function openFlow(run: DrillRun, seconds: number): Promise<Flow> {
  const { target, lab } = run;
  const [{ vip, port }] = lab.services;
  const words: { t: number; what: string }[] = [];
  const stream = await run.program(
    lab.client.name,
    perl("flow", vip, port, target.name, 0.5, seconds * run.scale),
    (t, what) => words.push({ t, what }),
  );
  const isOpen = (): boolean => words.some(({ what }) => what === "answer");
  await run.until(`a connection to ${target.name} is open`, isOpen, 20);
  return { stream, over: () => words.find(({ what }) => /^(reset|closed|silent)$/.test(what)) };
}

const powerOff: Drill = {
  name: "real-server-power-off",
  description: "A real server loses power; a connection that was open to it is reset, not left hanging",
  maxSeconds: 200,
  unfit: needsTwoServers,
  async act(run) {
    const { target } = run;
    const limit = run.promises.ejectSilent();
    const flow = await openFlow(run, 120);
    await run.randomPhase();
    const off = run.event(`${target.name}'s power is cut`);
    await run.environment.power.off(target.domain);
    const out = await isOut(run, off, limit);
    await run.until(
      "the open connection is reset",
      () => flow.over() !== undefined,
      run.promises.resetSeconds,
    );
    const over = flow.over();
    run.event(`the open connection: ${over?.what}`, over?.t);
    run.expect(
      over?.what === "reset",
      `the connection that was open to ${target.name} ended as ${over?.what}`,
    );
    run.duration("resetAfterEjectionSeconds", (over?.t ?? Infinity) - out, run.promises.resetSeconds);
    await flow.stream.end(2000);
    const on = run.event(`${target.name}'s power is back`);
    await powerOn(run, target.domain, target.name);
    await run.watch();
    const back = await run.tableUntil(
      `${target.name} is back`,
      run.table.isAsMeant,
      on,
      run.promises.rebootSeconds,
    );
    run.duration("recoverySeconds", back - on, run.promises.rebootSeconds);
    return exposure(run, out, limit);
  },
  restore: (run) => powerOn(run, run.target.domain, run.target.name),
  sabotage: noDaemon,
};

const MARK = "touch /run/lvs-dr-drill-before";
const REBOOT = `${MARK}; systemd-run -q --on-active=0.2 --timer-property=AccuracySec=10ms systemctl reboot`;

const realServerReboot: Drill = {
  name: "real-server-reboot",
  description: "A real server reboots: back in service by itself, and it never answers ARP for the VIP",
  maxSeconds: 250,
  unfit: needsTwoServers,
  async act(run) {
    const { target, lab } = run;
    const { vip } = lab.services[0];
    const directorMac = nicOn(run.director, "server").mac;
    const device = nicOn(run.router, "server").device;
    const macs = new Set<string>();
    const arping = await run.program(
      run.router.name,
      // Each answer with the time at which it came.
      `arping -b -I ${device} -w ${250 * run.scale} ${vip} | while read -r line; do echo "$EPOCHREALTIME $line"; done`,
      (_, line) => {
        const mac = /\[([0-9a-fA-F:]{17})\]/.exec(line)?.[1]?.toLowerCase();
        if (mac !== undefined) macs.add(mac);
      },
    );
    const down = await run.act(`${target.name} reboots`, target.name, REBOOT);
    const out = await run.tableUntil(`${target.name} is out`, run.isOut(target), down, 30);
    const back = await run.tableUntil(
      `${target.name} is back`,
      run.table.isAsMeant,
      out,
      run.promises.rebootSeconds,
    );
    run.duration("recoverySeconds", back - down, run.promises.rebootSeconds);
    await run.sleep(3);
    const served = run.log.between(back + AFTER_EDIT, Infinity).answeredBy[target.name] ?? 0;
    arping.kill();
    await run.ask(run.router.name, "kill $(pidof arping) 2>/dev/null || true");
    const strangers = [...macs].filter((mac) => mac !== directorMac);
    run.figure("arpAnswersFromOthers", strangers.length, { max: 0 });
    run.expect(macs.has(directorMac), "the director answered no ARP request for the VIP");
    run.expect(served > 0, `${target.name} is back in the table, but answers no request to the VIP`);
    return {
      failed: exposedRequests(run, run.promises.ejectSilent()),
      ...noneFails(run, "failedSinceReturn", back),
    };
  },
  restore: (run) => powerOn(run, run.target.domain, run.target.name),
  sabotage: {
    what: "the guest's own unit is disabled: nothing puts the VIP on lo at boot",
    expects: /: \S+ is back;|answers no request to the VIP|^(failedSinceReturn|arpAnswersFromOthers) is/,
    apply: async (run) => {
      await run.act(
        "sabotage: lvs-dr.service is disabled",
        run.target.name,
        "systemctl -q disable lvs-dr.service",
      );
    },
    undo: async (run) => {
      await run.shell.check(run.target.name, "/usr/local/sbin/lvs-dr start", { timeout: 120 });
    },
  },
};

const directorReboot: Drill = {
  name: "director-reboot",
  description:
    "The director reboots under load: new connections are served again by itself, an old one ends and does not hang",
  maxSeconds: 400,
  async act(run) {
    const { director } = run;
    const flow = await openFlow(run, 300);
    const down = await run.act("the director reboots", director.name, REBOOT);
    await answers(run, director.name, run.promises.rebootSeconds);
    run.forgetClock(director.name);
    run.environment.renewShell();
    await run.watch();
    const back = await run.tableUntil(
      "all real servers are in the table",
      run.table.isAsMeant,
      run.now,
      run.promises.rebootSeconds,
    );
    await run.until(
      "a real server answers a request that began after that",
      () => run.log.first.some(({ ok, t, outcome }) => ok && t > back && outcome !== "sorry"),
      10,
    );
    // The director remembers no connection: the client's next packet is answered by a reset. Or the web server has ended
    // it before: it hears nothing any more, and its own end comes past the director.
    await run.until(
      "the connection that was open is over",
      () => flow.over() !== undefined,
      run.promises.rebootSeconds,
    );
    const over = flow.over();
    run.event(`the connection that was open: ${over?.what}`, over?.t);
    run.expect(over?.what !== "silent", "the connection that was open hangs");
    run.duration(
      "openFlowEndsAfterSeconds",
      over === undefined ? null : over.t - down,
      run.promises.rebootSeconds,
    );
    await flow.stream.end(2000);
    const failed = run.log.failed[0]?.t ?? 0;
    const first = run.log.first.find(
      ({ ok, t, outcome }) => ok && t > down + 3 && outcome !== "sorry" && t > failed,
    );
    run.duration("recoverySeconds", first === undefined ? null : first.t - down, run.promises.rebootSeconds);
    return noneFails(run, "failedSinceReturn", back);
  },
  restore: (run) => powerOn(run, run.director.domain, run.director.name),
  sabotage: {
    what: "the director's units are disabled: nothing fills the table at boot",
    expects: /^not within .*: (all real servers are in the table|a real server answers a request)/,
    apply: async (run) => {
      const units = "lvs-dr.service lvs-dr-table.service lvs-dr-ldirectord.service";
      await run.act(`sabotage: ${units} are disabled`, run.director.name, `systemctl -q disable ${units}`);
    },
    undo: async (run) => {
      await run.shell.check(run.director.name, "/usr/local/sbin/lvs-dr start", { timeout: 180 });
    },
  },
};

export const machineDrills: readonly Drill[] = [powerOff, realServerReboot, directorReboot];
