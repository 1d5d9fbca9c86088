/** Faults of addresses and wires. */
import { vipMac } from "../../model/director/vipHolder";
import { hostPrefix, type Family } from "../../model/lab/address";
import { assessHealth, hasProblem } from "../../model/health";
import type { ProblemCode } from "../../model/lab/problem";
import { nicOn } from "../../model/lab/types";
import { look } from "../../health/observe";
import {
  byTheRunItself,
  needsTwoServers,
  noDaemon,
  on,
  sabotageBy,
  START,
  startOn,
  theDirector,
  theTarget,
} from "../actions";
import { arpAnswers } from "../arp";
import type { DrillRun } from "../drillRun";
import { exposure, outAndBack } from "../ejection";
import { lossPromise } from "../limits";
import type { Drill } from "../drill";

/** The health must name that problem of the target. */
async function expectNamed(run: DrillRun, code: ProblemCode): Promise<void> {
  const health = assessHealth(run.lab, await look(run.shell, run.lab));
  const { name } = run.target;
  run.event(`health: ${health.status}; ${health.problems.join("; ")}`);
  run.expect(
    hasProblem(health, name, code),
    `the health has no problem ${code} of ${name}: ${health.problems.join("; ") || health.status}`,
  );
}

/** Seconds until a real server's own guard has seen the fault and refuses the check, or answers it again. */
const GUARD_LIMIT = 2;

const vipMissing: Drill = {
  name: "vip-missing",
  description:
    "The VIP is gone from a real server's lo, while its web server is well: its guard has it taken out",
  maxSeconds: 60,
  async act(run) {
    const { name } = run.target;
    const vip = hostPrefix(run.lab.services[0].vip);
    const limit = run.promises.eject + GUARD_LIMIT;
    const { out } = await outAndBack(run, {
      breaks: [`the VIP leaves ${name}'s lo`, `ip addr del ${vip} dev lo`],
      repairs: [
        `the VIP is on ${name}'s lo again`,
        vip.includes(":")
          ? `ip addr replace ${vip} dev lo preferred_lft 0 nodad`
          : `ip addr add ${vip} dev lo label lo:vip`,
      ],
      out: limit,
      back: run.promises.recover + GUARD_LIMIT,
      meanwhile: () => expectNamed(run, "vip-missing"),
    });
    return exposure(run, out, limit);
  },
  restore: startOn(theTarget),
  sabotage: sabotageBy(
    "the real server's guard is stopped: its health check goes on asking the RIP alone",
    ["not-out"],
    theTarget,
    ["the guard is stopped", "systemctl stop lvs-dr-guard.service"],
    startOn(theTarget),
  ),
};

const ARP_OPEN = ["all", "lo"]
  .map((name) => `net.ipv4.conf.${name}.arp_ignore=0 net.ipv4.conf.${name}.arp_announce=0`)
  .join(" ");

/** What makes the target answer for the VIP, by family, and the problem that is then named. */
const LEAKS: Readonly<
  Record<Family, { readonly make: (run: DrillRun) => string; readonly code: ProblemCode }>
> = {
  4: { make: () => `sysctl -qw ${ARP_OPEN}`, code: "sysctl-differs" },
  6: {
    make: ({ target, lab }) =>
      `ip addr replace ${hostPrefix(lab.services[0].vip)} dev ${nicOn(target, "server").device} preferred_lft 0 nodad`,
    code: "vip-on-nic",
  },
};

/** The last hop may have learned the wrong MAC. */
const flushLastHop = on(
  ({ lastHop }) => lastHop,
  ({ lastHop, lab }) => `ip neigh flush dev ${nicOn(lastHop, "server").device} to ${lab.services[0].vip}`,
);

async function endLeak(run: DrillRun): Promise<void> {
  await startOn(theTarget)(run);
  await flushLastHop(run);
}

const arpLeak: Drill = {
  name: "arp-leak",
  takes: ["router"],
  description:
    "A real server answers ARP (of IPv6: NDP) for the VIP: the wire shows it, the health names it, its script ends it",
  maxSeconds: 80,
  unfit: (run) =>
    run.family === 6 || run.lab.arpStrategy === "sysctl"
      ? needsTwoServers(run)
      : "arpStrategy is not sysctl: there are no sysctls to break",
  async act(run) {
    const { target } = run;
    const leak = LEAKS[run.family];
    const director = vipMac(run.lab, run.lab.services[0].vip);
    const before = await arpAnswers(run);
    run.expect(
      before.join() === director,
      `before: ${before.join(", ") || "nobody"} answers for the VIP, expected ${director}`,
    );
    const began = await run.act(`${target.name} answers for the VIP`, target.name, leak.make(run));
    const during = await arpAnswers(run);
    run.expect(
      during.includes(nicOn(target, "server").mac),
      `the fault did not take: ${during.join(", ")} answer for the VIP`,
    );
    await expectNamed(run, leak.code);
    if (!run.sabotaged)
      await run.act(`${target.name}'s script runs again`, target.name, START, { timeout: 120 });
    await flushLastHop(run);
    const flushed = run.event(`${run.lastHop.name}'s neighbour entry is flushed`);
    const after = await arpAnswers(run);
    run.figure("arpAnswersFromOthers", after.filter((mac) => mac !== director).length, { max: 0 });
    run.duration("exposedSeconds", flushed - began, run.promises.arpLeakSeconds);
    return {};
  },
  restore: endLeak,
  sabotage: {
    what: "the real server's script does not run again",
    expects: ["arpAnswersFromOthers"],
    apply: byTheRunItself.apply,
    undo: endLeak,
  },
};

const NETEM = { loss: 5, delayMs: 50 };

const lossEnds = ({ director }: DrillRun): string =>
  `tc qdisc del dev ${nicOn(director, "server").device} root`;
const restoreLink = on(
  theDirector,
  (run) => `systemctl stop lvs-dr-drill-netem.service 2>/dev/null; ${lossEnds(run)} 2>/dev/null || true`,
  { timeout: 120 },
);

const lossyLink: Drill = {
  name: "lossy-link",
  description: `${NETEM.loss} % loss and ${NETEM.delayMs} ms delay towards the real servers for 5 minutes: nobody is ejected`,
  maxSeconds: 400,
  async act(run) {
    const { director } = run;
    const loss = run.sabotaged ? 60 : NETEM.loss;
    const seconds = run.sabotaged ? 40 : run.environment.soakSeconds;
    const { max, why } = lossPromise(run.lab, NETEM.loss / 100, seconds);
    if (why !== undefined) run.event(why);
    const device = nicOn(director, "server").device;
    const begin = `tc qdisc replace dev ${device} root netem loss ${loss}% delay ${NETEM.delayMs}ms`;
    // With most packets lost neither the answer to this nor the word to end it might arrive: by the guest's own clock.
    const alone =
      `systemd-run -q --unit lvs-dr-drill-netem --collect bash -c ` +
      `'sleep 1; ${begin}; sleep ${Math.ceil(seconds)}; ${lossEnds(run)}'`;
    const began = await run.act(
      `${loss} % loss and ${NETEM.delayMs} ms delay on the director's ${device}`,
      director.name,
      run.sabotaged ? alone : begin,
    );
    await run.sleep(seconds);
    const ended = run.now;
    const log = run.log.between(began, ended - 6);
    run.figure("ejections", run.table.ejections(began, ended), { max });
    // First attempts: what a retry saves does not count.
    run.figure(
      "answeredPercent",
      (100 * (log.first.length - log.failed.length)) / Math.max(1, log.first.length),
      { min: run.promises.answeredPercent },
    );
    run.figure("secondsWithLoss", ended - began);
    await run.sleep(3);
    const end = `${lossEnds(run)} 2>/dev/null || true`;
    await run.act("the link is well again", director.name, end, { timeout: 120 });
    await run.watch();
    await run.asConfigured(run.now, 20);
    return {};
  },
  restore: restoreLink,
  sabotage: {
    what: "60 % of the packets are lost",
    expects: ["ejections", "answeredPercent"],
    apply: byTheRunItself.apply,
    undo: restoreLink,
  },
};

const CUT = ({ target, director }: DrillRun): string => {
  const { device } = nicOn(target, "server");
  const { mac } = nicOn(director, "server");
  return (
    "nft -f - <<'NFT'\ntable netdev lvsdr_drill {\n" +
    `chain in { type filter hook ingress device "${device}" priority 0; ether saddr ${mac} drop; }\n` +
    `chain out { type filter hook egress device "${device}" priority 0; ether daddr ${mac} drop; }\n}\nNFT`
  );
};
const RECONNECT = "nft delete table netdev lvsdr_drill 2>/dev/null || true";

const partition: Drill = {
  name: "partition",
  takes: ["guests"],
  description: "The director and a real server no longer hear each other; later they do",
  maxSeconds: 80,
  async act(run) {
    const limit = run.promises.ejectSilent();
    const { out } = await outAndBack(run, {
      breaks: [`${run.target.name} and the director no longer hear each other`, CUT(run)],
      repairs: ["they hear each other again", RECONNECT],
      out: limit,
      back: run.promises.recoverSilent,
      meanwhile: () => run.sleep(2),
    });
    return exposure(run, out, limit);
  },
  restore: on(theTarget, RECONNECT),
  sabotage: noDaemon,
};

export const networkDrills: readonly Drill[] = [vipMissing, arpLeak, lossyLink, partition];
