/** Faults of addresses and wires. */
import { hostPrefix } from "../../model/lab/address";
import { assessHealth, hasProblem } from "../../model/health";
import { nicOn } from "../../model/lab/types";
import { look } from "../../health/observe";
import { byTheRunItself, needsTwoServers, noDaemon } from "../actions";
import type { DrillRun } from "../drillRun";
import { isBack, isOut, exposure } from "../ejection";
import { lossPromise } from "../limits";
import type { Drill } from "../drill";

const START = "/usr/local/sbin/lvs-dr start";

/** The MACs that answer ARP requests for the VIP on the server segment, asked by the router. */
async function arpAnswers(run: DrillRun): Promise<string[]> {
  const { router } = run;
  const { services } = run.lab;
  const device = nicOn(router, "server").device;
  // -b: all broadcast, or the first to answer would be asked alone.
  const text = await run.ask(router.name, `arping -b -I ${device} -c 3 -w 4 ${services[0].vip} || true`);
  return [
    ...new Set([...text.matchAll(/\[([0-9a-fA-F:]{17})\]/g)].map((match) => (match[1] ?? "").toLowerCase())),
  ];
}

/** Seconds until a real server's own guard has seen the fault and refuses the check, or answers it again. */
const GUARD_LIMIT = 2;

const vipMissing: Drill = {
  name: "vip-missing",
  description:
    "The VIP is gone from a real server's lo, while its web server is well: its guard has it taken out",
  maxSeconds: 60,
  unfit: needsTwoServers,
  async act(run) {
    const { target, lab } = run;
    const { vip } = lab.services[0];
    const limit = run.promises.eject + GUARD_LIMIT;
    const gone = await run.act(
      `the VIP leaves ${target.name}'s lo`,
      target.name,
      `ip addr del ${hostPrefix(vip)} dev lo`,
    );
    const out = await isOut(run, gone, limit);
    const health = assessHealth(lab, await look(run.shell, lab));
    run.expect(
      hasProblem(health, target.name, "vip-missing"),
      `the health does not name ${target.name}'s lo: ${health.problems.join("; ") || health.status}`,
    );
    const mended = await run.act(
      `the VIP is on ${target.name}'s lo again`,
      target.name,
      `ip addr add ${hostPrefix(vip)} dev lo label lo:vip`,
    );
    await isBack(run, mended, run.promises.recover + GUARD_LIMIT);
    return exposure(run, out, limit);
  },
  restore: async (run) => void (await run.shell.check(run.target.name, START, { timeout: 120 })),
  sabotage: {
    what: "the real server's guard is stopped: its health check goes on asking the RIP alone",
    expects: /^not within [\d.]+ s: \S+ is out;/,
    apply: async (run) => {
      await run.act("sabotage: the guard is stopped", run.target.name, "systemctl stop lvs-dr-guard.service");
    },
    undo: (run) => vipMissing.restore(run),
  },
};

const ARP_OPEN = ["all", "lo"].map(
  (name) => `net.ipv4.conf.${name}.arp_ignore=0 net.ipv4.conf.${name}.arp_announce=0`,
);

const arpLeak: Drill = {
  name: "arp-leak",
  description:
    "A real server answers ARP for the VIP: the wire shows it, the health names it, its script ends it",
  maxSeconds: 80,
  unfit: (run) =>
    run.lab.arpStrategy === "sysctl"
      ? needsTwoServers(run)
      : "arpStrategy is not sysctl: there are no sysctls to break",
  async act(run) {
    const { target, lab } = run;
    const director = nicOn(run.director, "server").mac;
    const leaking = nicOn(target, "server").mac;
    const before = await arpAnswers(run);
    run.expect(
      before.join() === director,
      `before: ${before.join(", ") || "nobody"} answers for the VIP, expected ${director}`,
    );
    const began = await run.act(
      `${target.name} answers ARP for the VIP`,
      target.name,
      `sysctl -qw ${ARP_OPEN.join(" ")}`,
    );
    const during = await arpAnswers(run);
    run.expect(during.includes(leaking), `the fault did not take: ${during.join(", ")} answer for the VIP`);
    const health = assessHealth(lab, await look(run.shell, lab));
    run.event(`health: ${health.status}; ${health.problems.join("; ")}`);
    run.expect(
      hasProblem(health, target.name, "sysctl-differs"),
      `the health does not name ${target.name}: ${health.problems.join("; ") || health.status}`,
    );
    if (!run.sabotaged)
      await run.act(`${target.name}'s script runs again`, target.name, START, { timeout: 120 });
    // The router may have learned the wrong MAC.
    await run.ask(
      run.router.name,
      `ip neigh flush dev ${nicOn(run.router, "server").device} to ${lab.services[0].vip}`,
    );
    const healed = run.event("the router's neighbour entry is flushed");
    const after = await arpAnswers(run);
    run.figure("arpAnswersFromOthers", after.filter((mac) => mac !== director).length, { max: 0 });
    run.duration("exposedSeconds", healed - began, run.promises.arpLeakSeconds);
    return {};
  },
  restore: async (run) => {
    await run.shell.check(run.target.name, START, { timeout: 120 });
    const { router } = run;
    const { services } = run.lab;
    await run.shell.check(
      router.name,
      `ip neigh flush dev ${nicOn(router, "server").device} to ${services[0].vip}`,
    );
  },
  sabotage: {
    what: "the real server's script does not run again",
    expects: /^arpAnswersFromOthers is/,
    apply: byTheRunItself.apply,
    undo: (run) => arpLeak.restore(run),
  },
};

const NETEM = { loss: 5, delayMs: 50 };

const lossyLink: Drill = {
  name: "lossy-link",
  description: `${NETEM.loss} % loss and ${NETEM.delayMs} ms delay towards the real servers for 5 minutes: nobody is ejected`,
  maxSeconds: 400,
  unfit: needsTwoServers,
  async act(run) {
    const { director } = run;
    const loss = run.sabotaged ? 60 : NETEM.loss;
    const seconds = run.sabotaged ? 40 : run.environment.soakSeconds;
    const { max, why } = lossPromise(run.lab, NETEM.loss / 100, seconds);
    if (why !== undefined) run.event(why);
    const device = nicOn(director, "server").device;
    const end = `tc qdisc del dev ${device} root`;
    const begin = `tc qdisc replace dev ${device} root netem loss ${loss}% delay ${NETEM.delayMs}ms`;
    // With most packets lost neither the answer to this nor the word to end it might arrive: by the guest's own clock.
    const alone =
      `systemd-run -q --unit lvs-dr-drill-netem --collect bash -c ` +
      `'sleep 1; ${begin}; sleep ${Math.ceil(seconds)}; ${end}'`;
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
    await run.act("the link is well again", director.name, `${end} 2>/dev/null || true`, { timeout: 120 });
    await run.watch();
    await run.tableUntil("the table is as configured", run.table.isAsMeant, run.now, 20);
    return {};
  },
  restore: async (run) => {
    const { director } = run;
    await run.shell.check(
      director.name,
      "systemctl stop lvs-dr-drill-netem.service 2>/dev/null; " +
        `tc qdisc del dev ${nicOn(director, "server").device} root 2>/dev/null || true`,
      {
        timeout: 120,
      },
    );
  },
  sabotage: {
    what: "60 % of the packets are lost",
    expects: /^(ejections|answeredPercent) is/,
    apply: byTheRunItself.apply,
    undo: (run) => lossyLink.restore(run),
  },
};

const CUT = (run: DrillRun): string => {
  const { device } = nicOn(run.target, "server");
  const mac = nicOn(run.director, "server").mac;
  return (
    "nft -f - <<'NFT'\ntable netdev lvsdr_drill {\n" +
    `chain in { type filter hook ingress device "${device}" priority 0; ether saddr ${mac} drop; }\n` +
    `chain out { type filter hook egress device "${device}" priority 0; ether daddr ${mac} drop; }\n}\nNFT`
  );
};
const RECONNECT = "nft delete table netdev lvsdr_drill 2>/dev/null || true";

const partition: Drill = {
  name: "partition",
  description: "The director and a real server no longer hear each other; later they do",
  maxSeconds: 80,
  unfit: needsTwoServers,
  async act(run) {
    const { target } = run;
    const limit = run.promises.ejectSilent();
    const cut = await run.act(
      `${target.name} and the director no longer hear each other`,
      target.name,
      CUT(run),
    );
    const out = await isOut(run, cut, limit);
    await run.sleep(2);
    const healed = await run.act("they hear each other again", target.name, RECONNECT);
    await isBack(run, healed, run.promises.recoverSilent);
    return exposure(run, out, limit);
  },
  restore: async (run) => void (await run.shell.check(run.target.name, RECONNECT)),
  sabotage: noDaemon,
};

export const networkDrills: readonly Drill[] = [vipMissing, arpLeak, lossyLink, partition];
