/** What joins the segments of a lab whose hosts have no bridges in common: VXLAN, set up by scripts/host/vxlan.sh. */
import { sha256 } from "../../lib/text";
import { vxlanOverhead } from "./hosts";
import type { Lab, LibvirtHost, NetworkName } from "./types";

const NETWORKS: readonly NetworkName[] = ["client", "server"];

/** Whether VXLAN joins the hosts. */
export const hasTunnels = ({ hosts }: Pick<Lab, "hosts">): boolean =>
  hosts.length > 1 && hosts.every(({ underlay }) => underlay !== undefined);

/** Of one segment on every host: the device, at most 15 characters, and VXLAN's number, of 24 bits. Derived as bridges' names are. */
function tunnelOf(
  { project, stack }: Lab,
  network: NetworkName,
): { readonly device: string; readonly vni: number } {
  const digest = sha256(`${project}/${stack}`);
  return {
    device: `lx${digest.slice(0, 8)}${network[0]}`,
    vni: (parseInt(digest.slice(8, 14), 16) & 0xfffffe) + NETWORKS.indexOf(network),
  };
}

type Hosts = { readonly hosts: readonly LibvirtHost[] };

const others = ({ hosts }: Hosts, host: LibvirtHost): readonly LibvirtHost[] =>
  hosts.filter(({ name }) => name !== host.name);

const underlaysOf = (hosts: readonly LibvirtHost[]): string[] =>
  hosts.flatMap(({ underlay = "" }) => [underlay]);

const joining = (verb: "join" | "joined", lab: Lab, host: LibvirtHost): string[] =>
  NETWORKS.map((network) => {
    const { device, vni } = tunnelOf(lab, network);
    const { bridge, mtu } = lab.segments[network];
    return [verb, device, vni, host.underlay, mtu, bridge, ...underlaysOf(others(lab, host))].join(" ");
  });

/** Arguments of vxlan.sh on one host, a call each: its devices are there, and lead to all other hosts. */
export const joinCalls = (lab: Lab, host: LibvirtHost): string[] => joining("join", lab, host);

/** The same: fails where they are not so, and changes nothing. */
export const joinedCalls = (lab: Lab, host: LibvirtHost): string[] => joining("joined", lab, host);

/** A command that makes such calls on a host that has nothing of the project's: it reads the script on its stdin. */
export const sentCalls = (calls: readonly string[]): string =>
  `script=$(cat) && ${calls.map((call) => `bash -c "$script" vxlan.sh ${call}`).join(" && ")}`;

export const tunnelDevices = (lab: Lab): string[] => NETWORKS.map((network) => tunnelOf(lab, network).device);

/** The same: each segment carries packets of its MTU from here to every other host. */
export const proveCalls = (lab: Lab, host: LibvirtHost): string[] =>
  NETWORKS.map((network) => {
    const addresses = others(lab, host).map(({ segments }) => segments[network].hostAddress);
    return ["prove", lab.segments[network].mtu, ...addresses].join(" ");
  });

/** The same: the MTU of the NIC on the underlay; where one is asked for, every other host is reached by packets that hold a segment's. */
export function underlayCall(lab: Hosts, host: LibvirtHost, mtu?: number): string {
  const { underlay = "" } = host;
  const proven = mtu === undefined ? [] : [mtu + vxlanOverhead(underlay), ...underlaysOf(others(lab, host))];
  return ["underlay", underlay, ...proven].join(" ");
}
