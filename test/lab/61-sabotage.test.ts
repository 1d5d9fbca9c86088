/**
 * Each cause that the diagnosis tells apart, made on purpose: the verdict must name it, and nothing else; the other checks
 * must fail for it, and the lab's health must tell it.
 */
import { beforeAll, expect, it } from "vitest";
import type { Lab } from "../../model/lab/types";
import { readStatus } from "../../health/status";
import { verify, type VerifyReport } from "../../verify/verify";
import type { GuestShell } from "../../lib/ssh";
import { eventually, inGuests } from "./support";

interface Sabotage {
  readonly what: string;
  readonly node: string;
  readonly break: (lab: Lab) => string;
  /** Must be right however often it runs. */
  readonly undo: (lab: Lab) => string;
  /** What the director is to wait for before the diagnosis. */
  readonly wait?: (lab: Lab) => string;
  /** Groups of checks to ask, beside the quick ones. */
  readonly groups?: readonly string[];
  /** Verdict by real server: what its finding's text starts with. */
  readonly verdicts: Readonly<Record<string, string>>;
  /** Other checks that must fail, and what they must have seen. */
  readonly fails: Readonly<Record<string, RegExp>>;
  /** What the health must tell; absent where it cannot see it. */
  readonly problem?: RegExp;
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
    fails: {
      "guests.rs1.addresses": /^(?!.*lo 10\.0\.0\.100)/s,
      "guests.rs1.self": /VIP 10\.0\.0\.100\/32 missing on lo/,
    },
    problem: /^rs1: VIP 10\.0\.0\.100\/32 missing on lo$/,
  },
  {
    what: "the VIP taken from rs1's lo, once its guard has had it ejected for that",
    node: "rs1",
    break: (lab) => `ip addr del ${vip(lab)}/32 dev lo`,
    undo: (lab) => `ip addr replace ${vip(lab)}/32 dev lo label lo:vip`,
    wait: (lab) =>
      `for ((i = 0; i < 100; i++)); do ipvsadm -Sn | grep -q ${lab.realServers[0]?.address} || exit 0; sleep 0.2; done; exit 1`,
    verdicts: { rs1: "VIP missing on lo", rs2: "ok" },
    fails: { "guests.rs1.self": /missing on lo/, "table.servers": /rs1 192\.168\.107\.10:80/ },
    problem: /^rs1: withdrawn from its health check: VIP 10\.0\.0\.100\/32 missing on lo$/,
  },
  {
    what: "rs1 answering ARP for the VIP",
    node: "rs1",
    break: () => arp(0, 0),
    undo: () => arp(1, 2),
    verdicts: { rs1: "ARP leak" },
    fails: {
      "guests.rs1.sysctls": /all\.arp_ignore=0/,
      "arp.10.0.0.100.router": /\brs1 52:54:/,
      "arp.10.0.0.100.host": /\brs1 52:54:/,
    },
    problem: /^rs1: sysctl net\.ipv4\.conf\.all\.arp_ignore is 0, expected 1$/,
  },
  {
    what: "rs1's web server stopped",
    node: "rs1",
    break: () => "systemctl stop nginx.service",
    undo: () => "systemctl start nginx.service",
    verdicts: { rs1: "service down", rs2: "ok" },
    fails: {
      "guests.rs1.units": /nginx\.service (inactive|failed)/,
      "guests.rs1.self": /nothing listens on port 80/,
    },
    problem: /^rs1: nothing listens on port 80$/,
  },
  {
    what: "the router no longer forwarding",
    node: "router",
    break: () => "sysctl -qw net.ipv4.ip_forward=0",
    undo: () => "sysctl -qw net.ipv4.ip_forward=1",
    verdicts: { rs1: "router does not forward", rs2: "router does not forward" },
    fails: {
      "guests.router.sysctls": /net\.ipv4\.ip_forward=0/,
      "reach.rs1-172.29.7.70": /^0 of 2 answered/,
      "reach.rs2-172.29.7.70": /^0 of 2 answered/,
    },
    problem: /^router: sysctl net\.ipv4\.ip_forward is 0, expected 1$/,
  },
  {
    what: "rs1's entry in the director's table with another weight",
    node: "director",
    break: (lab) => `ipvsadm -e -t ${vip(lab)}:80 -r ${lab.realServers[0]?.address}:80 -g -w 9`,
    undo: (lab) => `ipvsadm -e -t ${vip(lab)}:80 -r ${lab.realServers[0]?.address}:80 -g -w 1`,
    verdicts: { rs1: "director's table wrong", rs2: "ok" },
    groups: ["weights"],
    fails: { "table.servers": /rs1 192\.168\.107\.10:80.*-w 9/, "weights.main.shares": /rs1/ },
    problem: /^rs1 192\.168\.107\.10:80: weight 9 in service tcp 10\.0\.0\.100:80, expected 1$/,
  },
  {
    what: "rs1's page replaced, while the page that is checked is right",
    node: "rs1",
    break: () => "echo hello >/srv/lvs-dr/index.html",
    undo: () => "lvs-dr start",
    verdicts: { rs1: "wrong page", rs2: "ok" },
    fails: {},
    problem: /^rs1: clients read "hello" at http:\/\/10\.0\.0\.100:80\/, expected "<h1>rs1<\/h1>"$/,
  },
  {
    what: "rs1's own packet filter dropping what comes for the VIP",
    node: "rs1",
    break: (lab) =>
      `nft 'add table ip sabotage; add chain ip sabotage in { type filter hook input priority 0; }; add rule ip sabotage in ip daddr ${vip(lab)} drop'`,
    undo: () => "nft delete table ip sabotage 2>/dev/null || true",
    verdicts: { rs1: "requests are lost", rs2: "ok" },
    fails: {
      "diagnosis.main.rs1": /a capture on rs1 sees the request arrive, and its kernel does not take it/,
    },
    problem: /^client: \d of 8 requests got no good answer$/,
  },
  {
    what: "the router answering ARP for others",
    node: "router",
    break: () => "sysctl -qw net.ipv4.conf.eth1.proxy_arp_pvlan=1",
    undo: () => "sysctl -qw net.ipv4.conf.eth1.proxy_arp_pvlan=0",
    verdicts: {},
    fails: {
      "guests.router.hazards": /^net\.ipv4\.conf\.eth1\.proxy_arp_pvlan=1: router answers ARP/,
      "arp.10.0.0.100.host": /\brouter 52:54:/,
    },
  },
];

const QUICK = ["guests", "reach", "table", "arp", "diagnosis"];

function look(shell: GuestShell, lab: Lab, groups: readonly string[]): Promise<VerifyReport> {
  return verify(shell, lab, { groups, deadline: 0 });
}

/** Only one sabotage at a time may show. */
async function isWell(shell: GuestShell, lab: Lab): Promise<void> {
  await eventually(60, async () => expect(await failures(shell, lab)).toEqual([]));
}

beforeAll(() => inGuests(isWell));

it.each(SABOTAGES)(
  "$what is recognised",
  async ({ what, node, break: harm, undo, wait, groups = [], verdicts, fails, problem }) => {
    await inGuests(async (shell, lab) => {
      try {
        await shell.check(node, harm(lab));
        if (wait) await shell.check(lab.directors[0].name, wait(lab), { timeout: 60 });
        const report = await look(shell, lab, [...QUICK, ...groups]);
        for (const [name, verdict] of Object.entries(verdicts)) {
          const seen =
            report.checks.find((check) => check.name === `diagnosis.main.${name}`)?.evidence.seen ?? "";
          console.log(`${what}: ${name}: ${seen}`);
          expect(seen.split(":")[0]).toBe(verdict);
        }
        for (const [name, seen] of Object.entries(fails)) {
          const check = report.checks.find((each) => each.name === name);
          expect(check, name).toMatchObject({
            status: "fail",
            evidence: { seen: expect.stringMatching(seen) as string },
          });
        }
        expect(report.ok).toBe(false);
        if (problem === undefined) return;
        const { status, problems } = await readStatus(shell, lab);
        console.log(`${what}: ${status}: ${problems.join("; ")}`);
        expect(status).not.toBe("healthy");
        expect(problems).toContainEqual(expect.stringMatching(problem));
      } finally {
        await shell.check(node, undo(lab));
        // They may have learned the wrong MAC.
        await shell.check(lab.routers[0].name, `ip neigh flush to ${vip(lab)}`);
        await shell.check(lab.directors[0].name, "ip neigh flush all");
      }
      await isWell(shell, lab);
    });
  },
);

async function failures(shell: GuestShell, lab: Lab): Promise<string[]> {
  const { checks } = await look(shell, lab, ["diagnosis"]);
  return checks.filter(({ status }) => status === "fail").map(({ evidence }) => evidence.seen);
}
