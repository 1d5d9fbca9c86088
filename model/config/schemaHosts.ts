/** The libvirt hosts of a lab: how the configuration says them. */
import { z } from "zod";
import { LIBVIRT_URI } from "../lab/hosts";
import { hostKey } from "./schemaMachine";
import { directive, integer, ipAddress, ipv4, list, needs, nodeName, optional } from "./schemaParts";

export const MAX_HOSTS = 64;

const bridge = (network: string) =>
  optional(directive(64), `An existing bridge of the host that the ${network} segment is attached to.`);

const hostAddress = (network: string, first: string) =>
  optional(
    ipv4(),
    `The host's address on the ${network} segment.`,
    `${first}, and of further hosts the highest that are free`,
  );

const host = z.strictObject({
  name: optional(nodeName(), "Name of the host, for `host` of a guest.", "host1, host2, …"),
  libvirtUri: directive(512)
    .default(LIBVIRT_URI)
    .describe(
      "Its libvirt: qemu:///system on this host, or qemu+ssh://USER@HOST:PORT/system?keyfile=/path/to/key.",
    ),
  hostKey: optional(hostKey(), "Public SSH host key that it must show. Required with qemu+ssh."),
  clientAddress: hostAddress("client", "clientNetwork.hostAddress"),
  serverAddress: hostAddress("server", "serverNetwork.hostAddress"),
  bridges: optional(
    z.strictObject({ client: bridge("client"), server: bridge("server") }),
    "Bridges that join the hosts: each segment is one layer 2 network, a VLAN perhaps, on all of them.",
  ),
  underlay: optional(
    ipAddress(),
    "Its address among the hosts, instead of bridges: VXLAN (UDP port 4789) carries the segments from host to host, and the segments' MTU follows from that of the underlay.",
  ),
});

export const hosts = optional(
  list(host, "hosts", MAX_HOSTS).min(1, needs("a host")),
  "Hosts whose libvirt has the guests (docs/howto/several-hosts.md), instead of libvirtUri and remoteHostKey. Directors are on different hosts, real servers on one after the other, router and client on the first, unless their `host` says otherwise.",
  "the one that libvirtUri names",
);

/** Of a guest. */
export const onHost = optional(nodeName(), "The one of `hosts` that has this guest.", "see hosts");

/** MTU of every NIC on a segment, bytes. */
export const MTU = { least: 1280, most: 9000, usual: 1500 } as const;

export const mtu = () =>
  optional(
    integer(MTU.least, MTU.most, "bytes"),
    "MTU of every NIC on the segment.",
    "1500, or what VXLAN leaves of the underlay's",
  );
