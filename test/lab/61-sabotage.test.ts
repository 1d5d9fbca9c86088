/** Each cause that the diagnosis tells apart, made on purpose: the verdict must name it, and nothing else. */
import { expect, it } from "vitest";
import type { Lab } from "../../model/types";
import { verify, type VerifyReport } from "../../verify/verify";
import type { GuestShell } from "../../verify/guestShell";
import { eventually, inGuests } from "./support";

interface Sabotage {
  readonly what: string;
  readonly node: string;
  readonly break: (lab: Lab) => string;
  /** Must be right however often it runs. */
  readonly undo: (lab: Lab) => string;
  /** What the director is to wait for before the diagnosis. */
  readonly wait?: (lab: Lab) => string;
  /** Verdict by real server: what its finding's text starts with. */
  readonly verdicts: Readonly<Record<string, string>>;
}

const vip = (lab: Lab): string => lab.services[0].vip;
const arp = (ignore: number, announce: number): string =>
  `sysctl -qw ${["all", "lo"].map((device) => `net.ipv4.conf.${device}.arp_ignore=${ignore} net.ipv4.conf.${device}.arp_announce=${announce}`).join(" ")}`;

const SABOTAGES: readonly Sabotage[] = [
  {
    what: "the VIP taken from rs1's lo",
    node: "rs1",
    break: (lab) => `ip addr del ${vip(lab)}/32 dev lo`,
    undo: (lab) => `ip addr replace ${vip(lab)}/32 dev lo label lo:vip`,
    verdicts: { rs1: "VIP missing on lo", rs2: "ok" },
  },
  {
    what: "the VIP taken from rs1's lo, once its guard has had it ejected for that",
    node: "rs1",
    break: (lab) => `ip addr del ${vip(lab)}/32 dev lo`,
    undo: (lab) => `ip addr replace ${vip(lab)}/32 dev lo label lo:vip`,
    wait: (lab) =>
      `for ((i = 0; i < 100; i++)); do ipvsadm -Sn | grep -q ${lab.realServers[0]?.address} || exit 0; sleep 0.2; done; exit 1`,
    verdicts: { rs1: "VIP missing on lo", rs2: "ok" },
  },
  {
    what: "rs1 answering ARP for the VIP",
    node: "rs1",
    break: () => arp(0, 0),
    undo: () => arp(1, 2),
    verdicts: { rs1: "ARP leak" },
  },
  {
    what: "rs1's web server stopped",
    node: "rs1",
    break: () => "systemctl stop nginx.service",
    undo: () => "systemctl start nginx.service",
    verdicts: { rs1: "service down", rs2: "ok" },
  },
  {
    what: "the router no longer forwarding",
    node: "router",
    break: () => "sysctl -qw net.ipv4.ip_forward=0",
    undo: () => "sysctl -qw net.ipv4.ip_forward=1",
    verdicts: { rs1: "router does not forward", rs2: "router does not forward" },
  },
  {
    what: "rs1's entry in the director's table with another weight",
    node: "director",
    break: (lab) => `ipvsadm -e -t ${vip(lab)}:80 -r ${lab.realServers[0]?.address}:80 -g -w 9`,
    undo: (lab) => `ipvsadm -e -t ${vip(lab)}:80 -r ${lab.realServers[0]?.address}:80 -g -w 1`,
    verdicts: { rs1: "director's table wrong", rs2: "ok" },
  },
];

function diagnosis(shell: GuestShell, lab: Lab): Promise<VerifyReport> {
  return verify(shell, lab, { groups: ["diagnosis"], deadline: 0 });
}

it.each(SABOTAGES)(
  "the diagnosis recognises $what",
  async ({ what, node, break: harm, undo, wait, verdicts }) => {
    await inGuests(async (shell, lab) => {
      // Whatever an earlier test has left: only this sabotage may show.
      await eventually(60, async () => expect(await failures(shell, lab)).toEqual([]));
      try {
        await shell.check(node, harm(lab));
        if (wait) await shell.check(lab.director.name, wait(lab), { timeout: 60 });
        const report = await diagnosis(shell, lab);
        for (const [name, verdict] of Object.entries(verdicts)) {
          const seen =
            report.checks.find((check) => check.name === `diagnosis.main.${name}`)?.evidence.seen ?? "";
          console.log(`${what}: ${name}: ${seen}`);
          expect(seen.split(":")[0]).toBe(verdict);
        }
        expect(report.ok).toBe(false);
      } finally {
        await shell.check(node, undo(lab));
        // The router may have learned the wrong MAC.
        await shell.check(lab.router.name, `ip neigh flush to ${vip(lab)}`);
      }
      await eventually(60, async () => expect(await failures(shell, lab)).toEqual([]));
    });
  },
);

async function failures(shell: GuestShell, lab: Lab): Promise<string[]> {
  const { checks } = await diagnosis(shell, lab);
  return checks.filter(({ status }) => status === "fail").map(({ evidence }) => evidence.seen);
}
