/** Every address in its network, nobody's twice, and gateways that let replies bypass the director. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { isAssigned } from "./invariantsNetworks";
import { vip6CidrOf } from "./dualStack";
import { familyOf, Prefix, withoutLength } from "../lab/address";
import { vipsOf } from "../lab/types";
import { ownedAddresses, ownedMacs, ownedVips, type OwnedAddress, type Owned } from "./owners";
import type { Config } from "./schema";
import { allVipNetworks, hasClientSegment } from "./vipNetworks";

export function checkAddresses(findings: Findings, config: Config, draft: Draft): void {
  const addresses = ownedAddresses(config, draft).filter((each) => isAssigned(each.value));
  for (const each of addresses) checkPlace(findings, each);
  checkVips(findings, config, draft, addresses);
  checkClientOnSegment(findings, config);
  checkUnique(findings, addresses, "address");
  checkUnique(findings, ownedMacs(config, draft), "MAC address");
  checkGateways(findings, config, draft);
}

function checkPlace(findings: Findings, { key, value, network, owner }: OwnedAddress): void {
  const { key: cidrKey, cidr } = network;
  const prefix = Prefix.parse(cidr);
  if (!prefix.contains(value)) {
    const why =
      cidrKey.startsWith("serverNetwork.") && !["the host", "the router", "the client"].includes(owner)
        ? `is outside ${cidrKey} ${cidr}; gate needs one segment for the director and its real servers`
        : `is outside ${cidrKey} ${cidr}`;
    findings.add({ key, value, message: why, fix: `choose an address in ${cidr}` }, cidrKey);
    return;
  }
  const kind = prefix.kindOf(value);
  if (kind === "host") return;
  const message = `is the ${kind} address of ${cidrKey} ${cidr}`;
  findings.add({ key, value, message, fix: `choose a host's address in ${cidr}` }, cidrKey);
}

function checkVips(
  findings: Findings,
  config: Config,
  draft: Draft,
  addresses: readonly OwnedAddress[],
): void {
  const networks = allVipNetworks(config);
  const vips = vipsOf(draft);
  config.vips.forEach((vip, at) => {
    if (vips.includes(withoutLength(vip))) return;
    const fix = "write it as a service's vip, or remove it";
    findings.add(
      { key: `vips[${at}]`, value: vip, message: "is no service's VIP", fix },
      "vip",
      ...config.services.map((_each, index) => `services[${index}].vip`),
    );
  });
  for (const { key, value } of ownedVips(config, draft).filter((each) => isAssigned(each.value))) {
    const six = familyOf(value) === 6;
    const vipKey = six ? "vip6Cidr" : "vipCidr";
    const vipCidr = six ? vip6CidrOf(config) : config.vipCidr;
    const clientKey = `clientNetwork.cidr${six ? "6" : ""}`;
    const clientCidr = six ? config.clientNetwork.cidr6 : config.clientNetwork.cidr;
    // A network that is missing has been reported.
    if (vipCidr === undefined || clientCidr === undefined) continue;
    const taken = addresses.find((each) => each.value === value);
    const network = networks.find(({ prefix }) => prefix.contains(value));
    const where = `${network?.key ?? vipKey} ${String(network?.prefix ?? vipCidr)}`;
    const free = `choose a free address in ${where}`;
    if (taken !== undefined) {
      const message =
        taken.network.key === network?.key
          ? `is the gateway address of ${where}: the router has it (${taken.key})`
          : `is also the address of ${taken.owner} (${taken.key})`;
      findings.add({ key, value, message, fix: free }, taken.key, vipKey);
    } else if (hasClientSegment(config) && Prefix.parse(clientCidr).contains(value)) {
      const message = `is in ${clientKey} ${clientCidr}; the router would never forward it`;
      findings.add({ key, value, message, fix: free }, clientKey, vipKey);
    } else if (network === undefined) {
      const message = `is outside ${vipKey} ${vipCidr}; the router needs a route to the VIP`;
      const fix = `choose an address in ${vipCidr}, set ${vipKey} to the VIP's network, or add it to vips with its network's prefix`;
      findings.add({ key, value, message, fix }, vipKey, "vips");
    } else {
      const kind = network.prefix.kindOf(value);
      if (kind === "host") continue;
      findings.add(
        { key, value, message: `is the ${kind} address of ${where}`, fix: free },
        vipKey,
        network.key,
      );
    }
  }
}

/** Without an address of its own in a VIP's network it would ask the router for the VIP, and nobody on the segment. */
function checkClientOnSegment(findings: Findings, config: Config): void {
  if (config.client.network === "client" || config.absent.has("client")) return;
  for (const { key, prefix, by } of allVipNetworks(config)) {
    if (by === "serverAddress") continue;
    const six = prefix.network.family === 6;
    const serverKey = `serverNetwork.cidr${six ? "6" : ""}`;
    const cidr = six ? config.serverNetwork.cidr6 : config.serverNetwork.cidr;
    findings.add(
      {
        key: "client.network",
        value: "server",
        message: `is for VIPs in ${serverKey} ${cidr}; ${key} is ${String(prefix)}, for which the client would ask the router`,
        fix: `${/^vips/.test(key) ? "choose a VIP among the real servers" : `set ${key} to ${cidr}`}, or leave client.network out`,
      },
      key,
    );
  }
}

/** Nobody's twice: one key is reported, the other named. */
function checkUnique(findings: Findings, all: readonly Owned[], what: string): void {
  const first = new Map<string, Owned>();
  for (const each of all) {
    const other = first.get(each.value);
    if (other === undefined) {
      first.set(each.value, each);
      continue;
    }
    // One owner has one address twice only where its networks overlap, which is reported as such.
    if (other.owner === each.owner && what === "address") continue;
    // What was configured is reported rather than the default it collides with.
    const [mine, theirs] = each.explicit || !other.explicit ? [each, other] : [other, each];
    const both = `is the ${what} of both ${theirs.owner} (${theirs.key}) and ${mine.owner}`;
    const [real, further] = what === "address" ? [other, each].filter(isRealServer) : [];
    const [message, fix] =
      further !== undefined
        ? [
            `${other.owner} and ${each.owner} are the same server (${theirs.key})`,
            "give each its own address, or remove one",
          ]
        : real !== undefined && [other, each].some(isDirector)
          ? [`${both}; ${noRealServer(all)}`, `give ${real.owner} an address of its own`]
          : [both, "change one of the two"];
    findings.add({ key: mine.key, value: each.value, message, fix }, theirs.key);
  }
}

/** Why a director cannot serve what it balances, which LVS calls local node and Direct Routing with a pair turns into a loop. */
function noRealServer(all: readonly Owned[]): string {
  const isPair = new Set(all.filter(isDirector).map(({ owner }) => owner)).size > 1;
  const why =
    "a director is no real server: it holds the VIP, and what it would forward to itself never leaves it";
  return isPair ? `${why}, while two would forward it to each other for ever` : why;
}

const isRealServer = ({ key }: Owned): boolean => key.startsWith("realServer");
const isDirector = ({ key }: Owned): boolean => key.startsWith("director");

function checkGateways(findings: Findings, config: Config, draft: Draft): void {
  const cidr = config.serverNetwork.cidr;
  const router = draft.routers[0].address;
  config.realServers?.forEach((server, index) => {
    const value = server.gateway;
    if (value === undefined || value === router) return;
    const name = draft.realServers[index]?.name ?? `rs${index + 1}`;
    const message = draft.directors.some(({ address }) => address === value)
      ? `is the DIP: ${name}'s replies must bypass the director`
      : !Prefix.parse(cidr).contains(value)
        ? `${name} cannot reach a gateway outside serverNetwork.cidr ${cidr}`
        : `is not the router: ${name}'s replies would never reach the client`;
    const fix = `use the router, router.serverAddress ${router}, or leave the key out`;
    findings.add(
      { key: `realServers[${index}].gateway`, value, message, fix },
      "serverNetwork.cidr",
      "router.serverAddress",
    );
  });
}
