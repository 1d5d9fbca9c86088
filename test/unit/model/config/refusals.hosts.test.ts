import { parseConfig } from "../../../../model/config/config";
import { expectRefusals } from "./refusals";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
const HERE = { underlay: "10.199.0.1" };
const FAR = { libvirtUri: "qemu+ssh://root@far/system", hostKey: KEY, underlay: "10.199.0.2" };
const of = (hosts: readonly object[], rest: object = {}): Record<string, unknown> => ({
  hosts,
  accelerator: "qemu",
  ...rest,
});

const LAST = parseConfig(of([HERE, FAR]), { project: "lvs-dr", stack: "dev" });

expectRefusals("hosts", [
  {
    name: "another name for one whose resources bear it, or whose tunnels do",
    raw: of([
      { ...FAR, name: "far" },
      { ...HERE, name: "near" },
    ]),
    last: LAST,
    lines: [
      'hosts[0].name = "far": is the host that the stack knows as host2, and what it has bears that name. Fix: write host2.',
      'hosts[1].name = "near": is the host that the stack knows as host1, and what it has bears that name. Fix: write host1.',
    ],
  },
  {
    name: "one that is not listed any more, though what it has bears a name",
    raw: { libvirtUri: FAR.libvirtUri, remoteHostKey: KEY, accelerator: "qemu" },
    last: LAST,
    lines: [
      'libvirtUri = "qemu+ssh://root@far/system": is the host that the stack knows as host2, and what it has bears that name. Fix: list it: hosts: [{ name: host2, libvirtUri: … }].',
    ],
  },
  {
    name: "none",
    raw: { hosts: [] },
    lines: ["hosts = []: is empty: need a host. Fix: add one, or leave the key out."],
  },
  {
    name: "two of one name, libvirt and address",
    raw: of([
      { name: "a", ...HERE },
      { name: "a", ...HERE },
    ]),
    lines: [
      'hosts[1].name = "a": is the name of both hosts[0] and hosts[1]. Fix: give each its own.',
      'hosts[1].libvirtUri = "qemu:///system": is the libvirt of both hosts[0] and hosts[1]. Fix: give each its own.',
      'hosts[1].underlay = "10.199.0.1": is the address of both hosts[0] and hosts[1]. Fix: give each its own.',
    ],
  },
  {
    name: "a session, and a host for which nobody vouches",
    raw: of([
      { ...HERE, libvirtUri: "qemu:///session" },
      { ...FAR, hostKey: undefined },
    ]),
    lines: [
      'hosts[0].libvirtUri = "qemu:///session": is a session connection, which cannot make networks. Fix: use qemu:///system, or qemu+ssh://USER@HOST:PORT/system for another host.',
      "hosts[1].hostKey: is missing, and nobody else vouches for the host. Fix: write what `ssh-keyscan -t ed25519 HOST` prints after the host's name.",
    ],
  },
  {
    name: "a key for this host, and auto on another one",
    raw: { hosts: [{ ...HERE, hostKey: KEY }, FAR] },
    lines: [
      `hosts[0].hostKey = "${KEY}": is the key of another host, and hosts[0].libvirtUri names none. Fix: set hosts[0].libvirtUri to qemu+ssh://USER@HOST:PORT/system, or remove hosts[0].hostKey.`,
      'accelerator = "auto": cannot be found out on the remote host host2: the probe boots a guest on this one. Fix: say kvm if that host has working KVM, else qemu (slow).',
    ],
  },
  {
    name: "nothing that joins them",
    raw: of([{}, { ...FAR, underlay: undefined, bridges: { server: "br1" } }]),
    lines: [
      "hosts[0].bridges.client: is missing, and nothing joins the client segment of host1 to the other hosts'. Fix: name a bridge that is on one layer 2 network with theirs, or set underlay on all hosts.",
      "hosts[0].bridges.server: is missing, and nothing joins the server segment of host1 to the other hosts'. Fix: name a bridge that is on one layer 2 network with theirs, or set underlay on all hosts.",
      "hosts[1].bridges.client: is missing, and nothing joins the client segment of host2 to the other hosts'. Fix: name a bridge that is on one layer 2 network with theirs, or set underlay on all hosts.",
    ],
  },
  {
    name: "VXLAN on one of them, and a bridge beside it",
    raw: of([
      { ...HERE, bridges: { client: "br0" } },
      { ...FAR, underlay: undefined },
    ]),
    lines: [
      'hosts[0].bridges.client = "br0": is given where VXLAN joins the hosts, which brings a bridge of its own. Fix: leave the bridges out, or underlay on all hosts.',
      "hosts[1].underlay: is missing, and VXLAN joins the other hosts: host2 would be cut off. Fix: write its address among the hosts.",
    ],
  },
  {
    name: "underlays of both families",
    raw: of([HERE, { ...FAR, underlay: "fd00:199::2" }]),
    lines: [
      "hosts[].underlay: addresses of both families are given, and a tunnel has one. Fix: write all of IPv4, or all of IPv6.",
    ],
  },
  {
    name: "underlays that join nothing, are nobody's, or are the lab's own",
    raw: of([{ underlay: "127.0.0.1" }, { ...FAR, underlay: "192.168.7.9" }]),
    lines: [
      'hosts[0].underlay = "127.0.0.1": is in 127.0.0.0/8, which is loopback, which never leaves a host. Fix: write the host\'s address on a network that the hosts share.',
      'hosts[1].underlay = "192.168.7.9": is in serverNetwork.cidr 192.168.7.0/24, which VXLAN is to carry. Fix: write the host\'s address on a network that the hosts share.',
    ],
  },
  {
    name: "one libvirt, reached in two ways",
    raw: of([
      HERE,
      FAR,
      { ...FAR, libvirtUri: "qemu+ssh://me@far:22/system?keyfile=/k", underlay: "10.199.0.3" },
    ]),
    lines: [
      'hosts[2].libvirtUri = "qemu+ssh://me@far:22/system?keyfile=/k": is the libvirt of both hosts[1] and hosts[2]. Fix: give each its own.',
    ],
  },
  {
    name: "a host called host",
    raw: of([HERE, { ...FAR, name: "host" }]),
    lines: [
      'hosts[1].name = "host": stands for the host that the program runs on. Fix: choose another name.',
    ],
  },
  {
    name: "a bridge beside the underlay of the only host",
    raw: of([{ ...HERE, bridges: { client: "br0" } }]),
    lines: [
      'hosts[0].bridges.client = "br0": is given where VXLAN joins the hosts, which brings a bridge of its own. Fix: leave the bridges out, or underlay on all hosts.',
    ],
  },
  {
    name: "one bridge for both segments of a host",
    raw: of([{ bridges: { client: "br0", server: "br0" } }]),
    lines: [
      'hosts[0].bridges.server = "br0": is hosts[0].bridges.client too; client and server would share a segment. Fix: name another bridge, or leave one of the two out.',
    ],
  },
  {
    name: "what one host has, beside them",
    raw: of([HERE, FAR], {
      libvirtUri: "qemu+ssh://other/system",
      serverNetwork: { hostAddress: "192.168.7.2" },
    }),
    lines: [
      'libvirtUri = "qemu+ssh://other/system": is given beside hosts, which has what each host has. Fix: write it as hosts[0].libvirtUri.',
      'serverNetwork.hostAddress = "192.168.7.2": is given beside hosts, which has what each host has. Fix: write it as hosts[0].serverAddress.',
    ],
  },
  {
    name: "a guest on a host that is not there",
    raw: of([HERE, FAR], { client: { host: "near" }, realServers: [{ host: "host2" }, { host: "host3" }] }),
    lines: [
      'client.host = "near": is none of hosts. Fix: choose one of host1, host2.',
      'realServers[1].host = "host3": is none of hosts. Fix: choose one of host1, host2.',
    ],
  },
  {
    name: "a guest's host without any, and a machine's",
    raw: { router: { host: "a" } },
    lines: ['router.host = "a": names one of hosts, and there are none. Fix: add hosts, or remove it.'],
  },
  {
    name: "an address of a host's that a node has",
    raw: of([HERE, { ...FAR, serverAddress: "192.168.7.30" }], { director: { address: "192.168.7.30" } }),
    lines: [
      'director.address = "192.168.7.30": is the address of both host2 (hosts[1].serverAddress) and the director (DIP). Fix: change one of the two.',
    ],
  },
]);
