/** Each guest from the inside: addresses, routes, sysctls, units, clock, and what its own script says. */
import { vipHolder } from "../../model/director/vipHolder";
import { familyOf, hostPrefix } from "../../model/lab/address";
import { labNodes, nicOn, vipsOf, type Lab, type LabNode } from "../../model/lab/types";
import { judge, skipped, type CheckContext, type Finding, type Probe } from "./check";
import { askEach } from "../../lib/askEach";
import { confKey, hazardKeys, judgeHazards } from "./hazards";
import { judgeNeighbours, sendsRequests } from "./neighbours";
import { gatherFacts, unitsOf, type GuestFacts } from "./guestFacts";

/** Seconds by which a guest's clock may be off: certificates, logs and captures are compared across guests. */
const CLOCK_LIMIT = 2;

/** Every sysctl that Direct Routing lives by, with its value, for one node. */
export function sysctlsOf(lab: Lab, node: LabNode): Record<string, string> {
  const six = lab.vip6Cidr !== undefined;
  if (node.role === "router")
    return {
      "net.ipv4.ip_forward": "1",
      "net.ipv4.conf.all.send_redirects": "0",
      ...(six && { "net.ipv6.conf.all.forwarding": "1" }),
    };
  if (node.role === "director") {
    return {
      "net.ipv4.vs.expire_nodest_conn": "1",
      "net.ipv4.vs.expire_quiescent_template": "1",
      "net.ipv4.vs.conn_reuse_mode": "1",
      "net.ipv4.conf.all.send_redirects": "0",
      [confKey(4, nicOn(node, "server").device, "send_redirects")]: "0",
      ...vipHolder(lab).sysctls(lab),
    };
  }
  if (node.role !== "realServer") return {};
  const quiet = lab.arpStrategy === "sysctl";
  const arp = ["all", "lo"].flatMap((device) => [
    [confKey(4, device, "arp_ignore"), quiet ? "1" : "0"],
    [confKey(4, device, "arp_announce"), quiet ? "2" : "0"],
  ]);
  // Whatever the strategy: a proxy would answer for the VIP on lo.
  const ndp = ["all", nicOn(node, "server").device].map((device) => [confKey(6, device, "proxy_ndp"), "0"]);
  return Object.fromEntries([...arp, ...(six ? ndp : [])]) as Record<string, string>;
}

/** "device address/prefix" for each address that the node must have, the VIPs included. */
export function addressesOf(lab: Lab, node: LabNode): string[] {
  const own = node.nics.flatMap((nic) => nic.addresses.map((address) => `${nic.device} ${address}`));
  if (node.role === "realServer") own.push(...vipsOf(lab).map((vip) => `lo ${hostPrefix(vip)}`));
  // Of two, the standby has none.
  if (node === lab.directors[0])
    own.push(
      ...vipsOf(lab).map((vip) => `${vipHolder(lab).device(lab, node, familyOf(vip))} ${hostPrefix(vip)}`),
    );
  return own;
}

/** Judges what one guest said of itself. Pure. */
export function judgeGuest(lab: Lab, node: LabNode, facts: GuestFacts): Finding[] {
  const { name } = node;
  const again = `scripts/lab up --stack ${lab.stack}: it puts ${name} right`;
  const findings: Finding[] = [];
  const add = (
    what: string,
    title: string,
    ok: boolean,
    command: string,
    seen: string,
    expected: string,
    fix = again,
  ): void => {
    findings.push(
      judge(`guests.${name}.${what}`, `${name}: ${title}`, ok, { where: name, command, seen, expected }, fix),
    );
  };

  const wanted = addressesOf(lab, node);
  const missing = wanted.filter((each) => !facts.addresses.includes(each));
  const strays = strayVips(lab, node, facts);
  add(
    "addresses",
    node.role !== "realServer"
      ? "its addresses"
      : lab.vip6Cidr === undefined
        ? "its RIP, and the VIP /32 on lo"
        : "its RIPs, and the VIPs /32 and /128 on lo",
    missing.length === 0 && strays.length === 0,
    lab.vip6Cidr === undefined ? "ip -4 -o addr show" : "ip -o addr show",
    facts.addresses.join(", "),
    wanted.join(", "),
    strays.length > 0 ? `ip addr del ${strays[0]?.split(" ")[1]} dev ${strays[0]?.split(" ")[0]}` : again,
  );

  const routes = facts.routes.filter((route) => route.startsWith("default"));
  const viaGateway = node.gateway === undefined ? [] : [`default via ${node.gateway}`];
  if (node.ssh !== undefined)
    findings.push(
      skipped(
        `guests.${name}.route`,
        `${name}: its default route`,
        "it is a machine that exists, with routes of its own",
      ),
    );
  else
    add(
      "route",
      node.gateway === undefined ? "no default route" : "its default route goes through the router",
      routes.length === viaGateway.length &&
        routes.every((route, i) => route.startsWith(`${viaGateway[i]} `)),
      "ip -4 route show default",
      routes.join(", ") || "none",
      viaGateway[0] ?? "none",
    );

  if (node.gateway6 !== undefined && node.ssh === undefined) {
    const { routes6 } = facts;
    const ok = routes6.length === 1 && routes6[0]?.startsWith(`default via ${node.gateway6} `) === true;
    const [title, command] = [
      "its default route of IPv6 goes through the router",
      "ip -6 route show default",
    ];
    add("route6", title, ok, command, routes6.join(", ") || "none", `default via ${node.gateway6}`);
  }

  const sysctls = Object.entries(sysctlsOf(lab, node));
  if (sysctls.length > 0) {
    const wrong = sysctls.filter(([key, value]) => facts.sysctls[key] !== value);
    add(
      "sysctls",
      node.role === "realServer" ? `its ARP sysctls (strategy ${lab.arpStrategy})` : "its sysctls",
      wrong.length === 0,
      `sysctl ${sysctls.map(([key]) => key).join(" ")}`,
      sysctls.map(([key]) => `${key}=${facts.sysctls[key] ?? "absent"}`).join(", "),
      sysctls.map(([key, value]) => `${key}=${value}`).join(", "),
      wrong.length === 0 ? again : `sysctl -w ${wrong.map(([key, value]) => `${key}=${value}`).join(" ")}`,
    );
  }

  findings.push(judgeHazards(lab, node, facts));
  if (sendsRequests(node)) findings.push(judgeNeighbours(lab, node, facts.neighbours));

  const idle = Object.entries(facts.units).filter(([, state]) => state !== "active");
  add(
    "units",
    "its units are active",
    idle.length === 0,
    `systemctl is-active ${Object.keys(facts.units).join(" ")}`,
    Object.entries(facts.units)
      .map(([unit, state]) => `${unit} ${state}`)
      .join(", "),
    "active, each",
    `systemctl restart ${idle.map(([unit]) => unit).join(" ")}; journalctl -u ${idle[0]?.[0] ?? ""}`,
  );
  // Others of a machine's are its owner's.
  const failed = facts.failedUnits.filter((unit) => node.ssh === undefined || unit.startsWith("lvs-dr"));
  add(
    "failed",
    "no unit has failed",
    failed.length === 0,
    "systemctl list-units --failed",
    failed.join(", ") || "none",
    "none",
    `journalctl -u ${failed[0] ?? ""}; systemctl reset-failed once it is repaired`,
  );
  add(
    "boot",
    "its script runs again at every boot",
    facts.atBoot,
    "systemctl is-enabled lvs-dr.service",
    facts.atBoot ? "enabled" : "not enabled",
    "enabled",
  );
  add(
    "clock",
    "its clock is the host's",
    facts.clockOffset <= CLOCK_LIMIT,
    "date +%s",
    `${facts.clockOffset.toFixed(3)} s beside the time between asking and answer`,
    `at most ${CLOCK_LIMIT} s`,
    `date -s @$(date +%s of the host), or reboot ${name}`,
  );
  add(
    "self",
    "its own check finds nothing",
    facts.problems.length === 0,
    "/usr/local/sbin/lvs-dr status",
    facts.problems.join("; ") || "no problem",
    "no problem",
  );
  return findings;
}

/** A VIP where it must not be, say on a real server's NIC: it would answer ARP there. */
function strayVips(lab: Lab, node: LabNode, facts: GuestFacts): string[] {
  const wanted = addressesOf(lab, node);
  const all = vipsOf(lab);
  return facts.addresses.filter((each) => {
    const address = each.split(" ")[1]?.split("/")[0] ?? "";
    return all.includes(address) && !wanted.includes(each);
  });
}

async function look({ lab, shell }: CheckContext, node: LabNode): Promise<Finding[]> {
  const units = unitsOf(lab, node);
  try {
    const keys = new Set([...Object.keys(sysctlsOf(lab, node)), ...hazardKeys(lab, node)]);
    const facts = await gatherFacts(shell, node, [...keys], units, {
      neighbours: sendsRequests(node),
      ipv6: node.gateway6 !== undefined,
    });
    return judgeGuest(lab, node, facts);
  } catch (error) {
    const evidence = {
      where: "host",
      command: `scripts/lab ssh ${node.name}`,
      seen: error instanceof Error ? error.message : String(error),
      expected: "an answer",
    };
    const fix =
      node.ssh === undefined
        ? `virsh domstate ${node.domain}; scripts/lab up --stack ${lab.stack} starts what was stopped`
        : `ssh -p ${node.ssh.port} ${node.ssh.user}@${node.ssh.host}`;
    return [judge(`guests.${node.name}.reached`, `${node.name}: answers SSH`, false, evidence, fix)];
  }
}

export const guestsProbe: Probe = {
  group: "guests",
  async look(context) {
    const findings = await askEach(labNodes(context.lab), (node) => look(context, node));
    return findings.flat();
  },
};
