/** Faults of whole guests: power cut, reboots. */
import { controlPlane } from "../../model/director/controlPlane";
import { vipMac } from "../../model/director/vipHolder";
import { serviceUrl, type LabNode } from "../../model/lab/types";
import {
  answersAgain,
  BOOT_MARK,
  needsNothing,
  noDaemon,
  sabotageBy,
  startOn,
  theDirector,
  theTarget,
} from "../actions";
import { watchArp } from "../arp";
import type { DrillRun } from "../drillRun";
import { perl } from "../stream";
import { AFTER_EDIT, exposedRequests, exposure, isOut, noneFails } from "../ejection";
import type { Drill } from "../drill";

const REBOOT = `touch ${BOOT_MARK}; systemd-run -q --on-active=0.2 --timer-property=AccuracySec=10ms systemctl reboot`;

/** Starts what is off, and waits until it answers. */
async function powerOn(run: DrillRun, { domain, name }: LabNode): Promise<void> {
  await run.environment.power.on(domain);
  await answersAgain(run, name);
}

/** How and when a connection ended. */
interface End {
  readonly t: number;
  readonly what: string;
}

interface Flow {
  /** Waits for its end; `seconds` are scaled. */
  over(what: string, seconds: number): Promise<End>;
}

/** A connection of the client's that is open to the target, and used twice a second. */
async function openFlow(run: DrillRun, seconds: number): Promise<Flow> {
  const { target, lab } = run;
  let open = false;
  let end: End | undefined;
  const stream = await run.program(
    lab.clients[0].name,
    perl("flow", serviceUrl(lab.services[0]), target.name, 0.5, seconds * run.scale),
    (t, what) => {
      if (what === "answer") open = true;
      else if (["reset", "closed", "silent"].includes(what)) end ??= { t, what };
    },
  );
  await run.until(`a connection to ${target.name} is open`, () => open, 20);
  return {
    async over(what, limit) {
      await run.until(what, () => end !== undefined, limit);
      const seen = end as End;
      run.event(`the connection that was open: ${seen.what}`, seen.t);
      await stream.end(2000);
      return seen;
    },
  };
}

const powerOff: Drill = {
  name: "real-server-power-off",
  takes: ["guests"],
  description: "A real server loses power; a connection that was open to it is reset, not left hanging",
  maxSeconds: 200,
  async act(run) {
    const { target, promises } = run;
    const limit = promises.ejectSilent();
    const flow = await openFlow(run, 120);
    await run.randomPhase();
    const off = run.event(`${target.name}'s power is cut`);
    await run.environment.power.off(target.domain);
    const out = await isOut(run, off, limit);
    const over = await flow.over("the open connection is reset", promises.resetSeconds);
    run.expect(over.what === "reset", `the connection that was open to ${target.name} ended as ${over.what}`);
    run.duration("resetAfterEjectionSeconds", over.t - out, promises.resetSeconds);
    const powered = run.event(`${target.name}'s power is back`);
    await powerOn(run, target);
    await run.watch();
    const back = await run.asConfigured(powered, promises.rebootSeconds, `${target.name} is back`);
    run.duration("recoverySeconds", back - powered, promises.rebootSeconds);
    return exposure(run, out, limit);
  },
  restore: (run) => powerOn(run, run.target),
  sabotage: noDaemon,
};

const realServerReboot: Drill = {
  name: "real-server-reboot",
  takes: ["guests"],
  description: "A real server reboots: back in service by itself, and it never answers ARP for the VIP",
  maxSeconds: 250,
  async act(run) {
    const { target, promises } = run;
    const directorMac = vipMac(run.lab, run.lab.services[0].vip);
    const arp = await watchArp(run, 250);
    const down = await run.act(`${target.name} reboots`, target.name, REBOOT);
    const out = await run.targetOut(down, 30);
    const back = await run.asConfigured(out, promises.rebootSeconds, `${target.name} is back`);
    run.duration("recoverySeconds", back - down, promises.rebootSeconds);
    await run.sleep(3);
    const served = run.log.between(back + AFTER_EDIT, Infinity).answeredBy[target.name] ?? 0;
    await arp.end();
    const macs = new Set(arp.heard.map(({ mac }) => mac));
    const strangers = [...macs].filter((mac) => mac !== directorMac);
    run.figure("arpAnswersFromOthers", strangers.length, { max: 0 });
    run.expect(macs.has(directorMac), "the director answered nobody who asked for the VIP");
    run.expect(
      served > 0,
      `${target.name} is back in the table, but answers no request to the VIP`,
      "answers-nobody",
    );
    return {
      failed: exposedRequests(run, promises.ejectSilent()),
      ...noneFails(run, "failedSinceReturn", back),
    };
  },
  restore: (run) => powerOn(run, run.target),
  sabotage: sabotageBy(
    "the guest's own unit is disabled: nothing puts the VIP on lo at boot",
    ["not-as-configured", "answers-nobody", "failedSinceReturn", "arpAnswersFromOthers"],
    theTarget,
    ["lvs-dr.service is disabled", "systemctl -q disable lvs-dr.service"],
    startOn(theTarget),
  ),
};

const units = ({ lab }: DrillRun): string =>
  ["lvs-dr.service lvs-dr-table.service", controlPlane(lab).daemon?.unit ?? ""].join(" ");

const directorReboot: Drill = {
  name: "director-reboot",
  takes: ["guests"],
  description:
    "The director reboots under load: new connections are served again by itself, an old one ends and does not hang",
  maxSeconds: 400,
  unfit: needsNothing,
  async act(run) {
    const { director } = run;
    const { rebootSeconds } = run.promises;
    const flow = await openFlow(run, 300);
    const down = await run.act("the director reboots", director.name, REBOOT);
    await answersAgain(run, director.name);
    await run.watch();
    const back = await run.asConfigured(run.now, rebootSeconds, "all real servers are in the table");
    await run.until(
      "a real server answers a request that began after that",
      () => run.log.first.some(({ ok, t, outcome }) => ok && t > back && outcome !== "sorry"),
      10,
      "no-answer",
    );
    // The director remembers no connection: the client's next packet is answered by a reset. Or the web server has ended
    // it before: it hears nothing any more, and its own end comes past the director.
    const over = await flow.over("the connection that was open is over", rebootSeconds);
    run.expect(over.what !== "silent", "the connection that was open hangs");
    run.duration("openFlowEndsAfterSeconds", over.t - down, rebootSeconds);
    const failed = run.log.failed[0]?.t ?? 0;
    const first = run.log.first.find(
      ({ ok, t, outcome }) => ok && t > down + 3 && outcome !== "sorry" && t > failed,
    );
    run.duration("recoverySeconds", first === undefined ? null : first.t - down, rebootSeconds);
    return noneFails(run, "failedSinceReturn", back);
  },
  restore: (run) => powerOn(run, run.director),
  sabotage: sabotageBy(
    "the director's units are disabled: nothing fills the table at boot",
    ["not-as-configured", "no-answer"],
    theDirector,
    ["all units of the lab's are disabled", (run) => `systemctl -q disable ${units(run)}`],
    startOn(theDirector),
  ),
};

export const machineDrills: readonly Drill[] = [powerOff, realServerReboot, directorReboot];
