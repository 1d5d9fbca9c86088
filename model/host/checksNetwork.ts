/** The host's networks: nothing of its own may be where the lab will be. */
import { isKnown, type HostFacts, type LibvirtNetwork } from "./facts";
import { isAddress, Prefix, withLength } from "../lab/address";
import type { Refusal } from "../config/refusal";
import type { Lab, LabNetwork } from "../lab/types";

interface Range {
  readonly key: string;
  readonly cidr: string;
  /** The host interface on the segment, which may have its route already. */
  readonly bridge: string;
  /** The libvirt network of the segment. */
  readonly network: string;
}

export function checkHostNetwork(lab: Lab, facts: HostFacts): Refusal[] {
  const segments = [lab.segments.client, lab.segments.server];
  const ranges = segments.map(({ key, cidr, existingBridge, bridge, name }): Range => ({
    key: `${key}Network.cidr`,
    cidr,
    bridge: existingBridge ?? bridge,
    network: name,
  }));
  return [
    ...ranges.flatMap((range) => [...routesInTheWay(range, facts), ...networksInTheWay(range, facts)]),
    ...segments.flatMap((segment) => bridgeProblems(segment, facts)),
    ...segments.flatMap((segment) => nameTaken(segment, facts)),
    ...filterProblems(facts),
  ];
}

/** A network that the host reaches otherwise: its packets to the guests, or its own traffic, would go astray. */
function routesInTheWay({ key, cidr, bridge }: Range, facts: HostFacts): Refusal[] {
  const routes = facts.routes ?? [];
  return routes.flatMap(({ dst, dev }) => {
    // The default route, which is no network's, covers everything and is in nobody's way.
    const range = Prefix.read(dst);
    if (range === undefined || dev === bridge || !Prefix.parse(cidr).overlaps(range)) return [];
    const through = dev === undefined ? "" : ` through ${dev}`;
    return [
      {
        key,
        value: cidr,
        message: `overlaps the host's route to ${dst}${through}`,
        fix: `choose another network for ${key}`,
      },
    ];
  });
}

function networksInTheWay({ key, cidr, network, bridge }: Range, facts: HostFacts): Refusal[] {
  const networks = facts.libvirt?.networks ?? [];
  return networks.flatMap((other: LibvirtNetwork) => {
    if (other.name === network || (other.bridge !== undefined && other.bridge === bridge)) return [];
    const clash = (other.addresses ?? []).find(({ address, prefix }) =>
      Prefix.read(withLength(address, prefix))?.overlaps(Prefix.parse(cidr)),
    );
    if (clash === undefined) return [];
    return [
      {
        key,
        value: cidr,
        message: `overlaps the libvirt network ${other.name}, ${withLength(clash.address, clash.prefix)}`,
        fix: `choose another network for ${key}, or remove that one: virsh net-destroy ${other.name} && virsh net-undefine ${other.name}`,
      },
    ];
  });
}

/** An existing bridge must be there, have the host's address, and the segment's MTU. */
function bridgeProblems(segment: LabNetwork, facts: HostFacts): Refusal[] {
  const bridge = segment.existingBridge;
  if (bridge === undefined || !isKnown(facts.interfaces)) return [];
  const key = `${segment.key}Network.bridge`;
  const found = facts.interfaces.find(({ ifname }) => ifname === bridge);
  if (found === undefined) {
    const bridges = facts.interfaces.map(({ ifname }) => ifname).filter((name) => name !== "lo");
    return [
      {
        key,
        value: bridge,
        message: "is not an interface of the host",
        fix: `name one of ${bridges.join(", ")}`,
      },
    ];
  }
  const problems: Refusal[] = [];
  const addresses = (found.addr_info ?? []).flatMap(({ local }) => (local === undefined ? [] : [local]));
  if (!addresses.includes(segment.hostAddress)) {
    const near = addresses.find(
      (address) => isAddress(address) && Prefix.parse(segment.cidr).contains(address),
    );
    problems.push({
      key: `${segment.key}Network.hostAddress`,
      value: segment.hostAddress,
      message: `is not an address of ${bridge}, through which the host must reach the guests`,
      fix:
        near === undefined
          ? `ip address add ${withLength(segment.hostAddress, Prefix.parse(segment.cidr).length)} dev ${bridge}`
          : `set it to ${near}`,
    });
  }
  if (found.mtu !== undefined && found.mtu !== segment.mtu) {
    problems.push({
      key: `${segment.key}Network.mtu`,
      value: segment.mtu,
      message: `differs from that of ${bridge}, ${found.mtu}: every NIC on one segment needs the same (the guests' eth0 and ${bridge})`,
      fix: `set ${segment.key}Network.mtu to ${found.mtu}`,
    });
  }
  return problems;
}

/** The bridge of a network to be made must not be another's, which only libvirt can tell. */
function nameTaken(network: LabNetwork, { interfaces, libvirt }: HostFacts): Refusal[] {
  const networks = libvirt?.networks;
  if (network.existingBridge !== undefined || !isKnown(networks)) return [];
  const present = (interfaces ?? []).some(({ ifname }) => ifname === network.bridge);
  if (!present || networks.some(({ bridge }) => bridge === network.bridge)) return [];
  return [
    {
      key: `host.interface`,
      value: network.bridge,
      message: `exists, and no libvirt network owns it`,
      fix: `remove it: ip link delete ${network.bridge}`,
    },
  ];
}

/** Docker sets FORWARD to DROP, and with br_netfilter that also drops what two guests say over one bridge. */
function filterProblems(facts: HostFacts): Refusal[] {
  if (facts.bridgeNetfilter !== true || facts.forwardPolicy !== "DROP") return [];
  return [
    {
      key: "host.bridgeNetfilter",
      message:
        "bridged frames pass iptables, whose FORWARD policy is DROP (Docker sets it): no guest would reach another",
      fix: "sysctl -w net.bridge.bridge-nf-call-iptables=0, and keep it: echo net.bridge.bridge-nf-call-iptables=0 > /etc/sysctl.d/90-lvs-dr.conf",
    },
  ];
}
