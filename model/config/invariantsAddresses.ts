/** Every address in its network, nobody's twice, and gateways that let replies bypass the director. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { isAssigned } from "./invariantsNetworks";
import { Prefix } from "../lab/address";
import { ownedAddresses, ownedMacs, ownedVips, type OwnedAddress, type Owned, type Segment } from "./owners";
import type { Config } from "./schema";

const CIDR_KEY: Readonly<Record<Segment, string>> = {
  client: "clientNetwork.cidr",
  server: "serverNetwork.cidr",
  vip: "vipCidr",
};

function cidrOf(config: Config, segment: Segment): string {
  return segment === "vip" ? config.vipCidr : config[`${segment}Network`].cidr;
}

export function checkAddresses(findings: Findings, config: Config, draft: Draft): void {
  const addresses = ownedAddresses(config, draft).filter((each) => isAssigned(each.value));
  for (const each of addresses) checkPlace(findings, config, each);
  checkVips(findings, config, draft, addresses);
  checkUnique(findings, addresses, "address");
  checkUnique(findings, ownedMacs(config, draft), "MAC address");
  checkGateways(findings, config, draft);
}

function checkPlace(findings: Findings, config: Config, address: OwnedAddress): void {
  const { key, value, segment, owner } = address;
  const cidr = cidrOf(config, segment);
  const network = Prefix.parse(cidr);
  if (!network.contains(value)) {
    const why =
      segment === "server" && owner !== "the host" && owner !== "the router"
        ? `is outside serverNetwork.cidr ${cidr}; gate needs one segment for the director and its real servers`
        : `is outside ${CIDR_KEY[segment]} ${cidr}`;
    findings.add({ key, value, message: why, fix: `choose an address in ${cidr}` }, CIDR_KEY[segment]);
    return;
  }
  const kind = network.kindOf(value);
  if (kind === "host") return;
  findings.add(
    {
      key,
      value,
      message: `is the ${kind} address of ${CIDR_KEY[segment]} ${cidr}`,
      fix: `choose a host's address in ${cidr}`,
    },
    CIDR_KEY[segment],
  );
}

function checkVips(
  findings: Findings,
  config: Config,
  draft: Draft,
  addresses: readonly OwnedAddress[],
): void {
  const { vipCidr } = config;
  const clientCidr = config.clientNetwork.cidr;
  for (const { key, value } of ownedVips(config, draft).filter((each) => isAssigned(each.value))) {
    const taken = addresses.find((each) => each.value === value);
    const free = `choose a free address in vipCidr ${vipCidr}`;
    if (taken !== undefined) {
      const message =
        taken.key === "router.vipAddress"
          ? `is the gateway address of vipCidr ${vipCidr}: the router has it (router.vipAddress)`
          : `is also the address of ${taken.owner} (${taken.key})`;
      findings.add({ key, value, message, fix: free }, taken.key, "vipCidr");
    } else if (Prefix.parse(clientCidr).contains(value)) {
      const message = `is in clientNetwork.cidr ${clientCidr}; the router would never forward it`;
      findings.add({ key, value, message, fix: free }, "clientNetwork.cidr", "vipCidr");
    } else if (!Prefix.parse(vipCidr).contains(value)) {
      const message = `is outside vipCidr ${vipCidr}; the router needs a route to the VIP`;
      findings.add(
        { key, value, message, fix: `choose an address in ${vipCidr}, or set vipCidr to the VIP's network` },
        "vipCidr",
      );
    } else {
      const kind = Prefix.parse(vipCidr).kindOf(value);
      if (kind === "host") continue;
      findings.add(
        { key, value, message: `is the ${kind} address of vipCidr ${vipCidr}`, fix: free },
        "vipCidr",
      );
    }
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
    const bothReal = isRealServer(other) && isRealServer(each) && what === "address";
    const message = bothReal
      ? `${other.owner} and ${each.owner} are the same server (${theirs.key})`
      : `is the ${what} of both ${theirs.owner} (${theirs.key}) and ${mine.owner}`;
    const fix = bothReal ? "give each its own address, or remove one" : "change one of the two";
    findings.add({ key: mine.key, value: each.value, message, fix }, theirs.key);
  }
}

function isRealServer({ key }: Owned): boolean {
  return key.startsWith("realServer");
}

function checkGateways(findings: Findings, config: Config, draft: Draft): void {
  const cidr = config.serverNetwork.cidr;
  const router = draft.routers[0].address;
  config.realServers?.forEach((server, index) => {
    const value = server.gateway;
    if (value === undefined || value === router) return;
    const name = draft.realServers[index]?.name ?? `rs${index + 1}`;
    const message =
      value === draft.directors[0].address
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
