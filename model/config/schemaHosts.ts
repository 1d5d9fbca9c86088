/** The libvirt hosts of a lab: how the configuration says them. */
import { z } from "zod";
import { LIBVIRT_URI } from "../lab/hosts";
import { hostKey } from "./schemaMachine";
import { directive, integer, ipAddress, ipv4, nodeName, says } from "./schemaParts";

export const MAX_HOSTS = 64;

const bridge = (network: string) =>
  directive(64)
    .optional()
    .describe(`An existing bridge of the host that the ${network} segment is attached to.`);

const hostAddress = (network: string, first: string) =>
  ipv4()
    .optional()
    .describe(`The host's address on the ${network} segment.`)
    .meta({ "x-default": `${first}, and of further hosts the highest that are free` });

const host = z.strictObject({
  name: nodeName()
    .optional()
    .describe("Name of the host, for `host` of a guest.")
    .meta({ "x-default": "host1, host2, …" }),
  libvirtUri: directive(512)
    .default(LIBVIRT_URI)
    .describe(
      "Its libvirt: qemu:///system on this host, or qemu+ssh://USER@HOST:PORT/system?keyfile=/path/to/key.",
    ),
  hostKey: hostKey().optional().describe("Public SSH host key that it must show. Required with qemu+ssh."),
  clientAddress: hostAddress("client", "clientNetwork.hostAddress"),
  serverAddress: hostAddress("server", "serverNetwork.hostAddress"),
  bridges: z
    .strictObject({ client: bridge("client"), server: bridge("server") })
    .optional()
    .describe(
      "Bridges that join the hosts: each segment is one layer 2 network, a VLAN perhaps, on all of them.",
    ),
  underlay: ipAddress()
    .optional()
    .describe(
      "Its address among the hosts, instead of bridges: VXLAN (UDP port 4789) carries the segments from host to host, and the segments' MTU follows from that of the underlay.",
    ),
});

export const hosts = z
  .array(host, { error: says("must be a list", "write a list of hosts") })
  .min(1, { error: says("is empty: need a host", "add one, or leave the key out") })
  .max(MAX_HOSTS, { error: says(`has more than ${MAX_HOSTS} hosts`, "remove some") })
  .optional()
  .describe(
    "Hosts whose libvirt has the guests (docs/howto/several-hosts.md), instead of libvirtUri and remoteHostKey. Directors are on different hosts, real servers on one after the other, router and client on the first, unless their `host` says otherwise.",
  )
  .meta({ "x-default": "the one that libvirtUri names" });

/** Of a guest. */
export const onHost = nodeName()
  .optional()
  .describe("The one of `hosts` that has this guest.")
  .meta({ "x-default": "see hosts" });

/** MTU of every NIC on a segment, bytes. */
export const MTU = { least: 1280, most: 9000, usual: 1500 } as const;

export const mtu = () =>
  integer(MTU.least, MTU.most, "bytes")
    .optional()
    .describe("MTU of every NIC on the segment.")
    .meta({ "x-default": "1500, or what VXLAN leaves of the underlay's" });
