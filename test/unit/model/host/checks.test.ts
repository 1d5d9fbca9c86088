import { describe, expect, it } from "vitest";
import { formatRefusal, parseConfig } from "../../../../model/config/config";
import { checkHost, type HostFacts } from "../../../../model/host/checks";

const lab = (raw: Record<string, unknown> = {}) => parseConfig(raw, { project: "lvs-dr", stack: "dev" });
const article = lab();
const { client, server } = article.segments;
const NETWORK = { name: "default", active: true, bridge: "virbr0" };

/** A host on which everything is as it should be, after an `up`. */
const FINE: HostFacts = {
  interfaces: [
    { ifname: "lo", mtu: 65536, addr_info: [{ local: "127.0.0.1" }] },
    { ifname: "eth0", mtu: 1500, addr_info: [{ local: "203.0.113.7" }] },
    { ifname: client.bridge, mtu: 1500, addr_info: [{ local: "172.18.0.1" }] },
  ],
  routes: [
    { dst: "default", dev: "eth0" },
    { dst: "203.0.113.0/24", dev: "eth0" },
    { dst: "172.18.0.0/16", dev: client.bridge },
    { dst: "192.168.7.0/24", dev: server.bridge },
  ],
  libvirt: {
    error: null,
    domains: [{ name: "lvs-dr-dev-rs1" }, { name: "lvs-dr-dev-rs2", owner: "lvs-dr/dev" }],
    networks: [
      { name: client.name, bridge: client.bridge, addresses: [{ address: "172.18.0.1", prefix: 16 }] },
      { name: server.name, bridge: server.bridge, addresses: [{ address: "192.168.7.1", prefix: 24 }] },
      { ...NETWORK, addresses: [{ address: "192.168.122.1", prefix: 24 }] },
    ],
    pools: [{ name: "default", active: true, path: "/var/lib/libvirt/images" }],
  },
  memory: { availableMiB: 3072 },
  disk: { path: "/var/lib/libvirt/images/lvs-dr", availableMiB: 20000 },
  bridgeNetfilter: false,
  forwardPolicy: "ACCEPT",
  kvm: true,
  kvmProbe: "works",
  versions: { node: "v22.23.5", pulumi: "3.276.0", libvirt: "9.0.0", unknown: "1", qemu: null },
};

const own = { image: "/srv/debian.qcow2", imageSha256: "a".repeat(64) };
const image = { path: "/srv/debian.qcow2", kind: "file", format: "qcow2" } as const;
const key = { path: "/root/.ssh/id", kind: "private", mode: "0600" } as const;

const cases: [string, Record<string, unknown>, HostFacts, string[]][] = [
  ["a host that is fine", {}, FINE, []],
  ["a host of which nothing is known", {}, {}, []],
  [
    "19 a route of the host",
    {},
    {
      routes: [
        { dst: "192.168.0.0/16", dev: "tun0" },
        { dst: "172.18.7.1" },
        { dst: "0.0.0.0/1", dev: "tun1" },
      ],
    },
    [
      'clientNetwork.cidr = "172.18.0.0/16": overlaps the host\'s route to 172.18.7.1. Fix: choose another network for clientNetwork.cidr.',
      'serverNetwork.cidr = "192.168.7.0/24": overlaps the host\'s route to 192.168.0.0/16 through tun0. Fix: choose another network for serverNetwork.cidr.',
    ],
  ],
  [
    "19 a libvirt network",
    {},
    { libvirt: { networks: [{ ...NETWORK, addresses: [{ address: "192.168.7.1", prefix: 24 }] }] } },
    [
      'serverNetwork.cidr = "192.168.7.0/24": overlaps the libvirt network default, 192.168.7.1/24. Fix: choose another network for serverNetwork.cidr, or remove that one: virsh net-destroy default && virsh net-undefine default.',
    ],
  ],
  [
    "24 objects of another stack, or of nobody",
    {},
    {
      libvirt: {
        domains: [{ name: "lvs-dr-dev-rs1", owner: "lvs-dr/other" }],
        networks: [{ name: client.name, owner: null }],
      },
    },
    [
      'host.domain = "lvs-dr-dev-rs1": the libvirt domain exists already and belongs to stack lvs-dr/other. Fix: choose another stack name, or delete it: virsh -c qemu:///system undefine lvs-dr-dev-rs1 --snapshots-metadata.',
      'host.network = "lvs-dr-dev-client": the libvirt network exists already and belongs to nobody that the project knows. Fix: choose another stack name, or delete it: virsh -c qemu:///system net-undefine lvs-dr-dev-client.',
    ],
  ],
  [
    "24 a network and a pool that are other ones, as libvirt describes them",
    { libvirtUri: "qemu+ssh://me@far/system?keyfile=/k&no_tty=1", accelerator: "qemu" },
    {
      libvirt: {
        networks: [
          { name: client.name, bridge: "virbr7", addresses: [] },
          { name: server.name, bridge: server.bridge },
        ],
        pools: [{ name: "lvs-dr-dev", active: true, path: "/srv/pool" }],
      },
    },
    [
      "host.network = \"lvs-dr-dev-client\": the libvirt network exists already and belongs to nobody that the project knows. Fix: choose another stack name, or delete it: virsh -c 'qemu+ssh://me@far/system?keyfile=/k&no_tty=1' net-undefine lvs-dr-dev-client.",
      "host.pool = \"lvs-dr-dev\": the libvirt storage pool exists already and belongs to nobody that the project knows. Fix: choose another stack name, or delete it: virsh -c 'qemu+ssh://me@far/system?keyfile=/k&no_tty=1' pool-undefine lvs-dr-dev.",
    ],
  ],
  [
    "24 this stack's own, as libvirt describes them",
    {},
    {
      libvirt: {
        domains: [{ name: "lvs-dr-dev-rs1", owner: "lvs-dr/dev" }],
        networks: [{ name: client.name, bridge: client.bridge }],
        pools: [{ name: "lvs-dr-dev", active: false, path: "/var/lib/libvirt/images/lvs-dr-dev" }],
      },
    },
    [],
  ],
  [
    "24 a bridge that nobody owns",
    {},
    { interfaces: [{ ifname: server.bridge }], libvirt: { networks: [] } },
    [
      `host.interface = "${server.bridge}": exists, and no libvirt network owns it. Fix: remove it: ip link delete ${server.bridge}.`,
    ],
  ],
  [
    "25 no image",
    own,
    { image: { ...image, kind: "missing" } },
    ['image = "/srv/debian.qcow2": is not a file: nothing is there. Fix: write the path of a qcow2 file.'],
  ],
  [
    "25 a directory",
    own,
    { image: { ...image, kind: "directory" } },
    [
      'image = "/srv/debian.qcow2": is not a file: a directory is there. Fix: write the path of a qcow2 file.',
    ],
  ],
  [
    "25 another format",
    own,
    { image: { ...image, format: "raw" } },
    [
      'image = "/srv/debian.qcow2": is raw, and qcow2 is required. Fix: convert it: qemu-img convert -O qcow2 /srv/debian.qcow2 /srv/debian.qcow2.qcow2.',
    ],
  ],
  [
    "26 another digest",
    own,
    { image: { ...image, sha256: "b".repeat(64) } },
    [
      `imageSha256 = "${"a".repeat(64)}": is not the expected file: its SHA-256 is ${"b".repeat(64)}. Fix: download the image again, or correct the digest.`,
    ],
  ],
  [
    "28 KVM that does not work",
    { accelerator: "kvm" },
    { kvm: true, kvmProbe: "fails" },
    [
      'accelerator = "kvm": a probe guest does not boot under KVM, whether or not /dev/kvm exists. Fix: use qemu (slow), or auto.',
    ],
  ],
  [
    "28 no KVM",
    { accelerator: "kvm" },
    { kvm: false },
    ['accelerator = "kvm": the host has no /dev/kvm. Fix: use qemu (slow), or auto.'],
  ],
  [
    "29 no room",
    {},
    {
      libvirt: { domains: [] },
      memory: { availableMiB: 1000 },
      disk: { path: "/var", availableMiB: 100 },
    },
    [
      "memory: 5 guests need 2176 MiB with 256 MiB for the host, and 1000 MiB are available. Fix: lower memory or realServerCount, or free memory on the host.",
      'host.disk = "/var": 5 guests need 1280 MiB, and 100 MiB are free. Fix: free space on the file system of /var.',
    ],
  ],
  [
    "29 guests that exist need nothing more",
    {},
    {
      memory: { availableMiB: 700 },
      libvirt: {
        domains: ["client", "router", "director", "rs1"].map((name) => ({ name: `lvs-dr-dev-${name}` })),
      },
    },
    [],
  ],
  [
    "30 no access to libvirt",
    {},
    { libvirt: { error: "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied" } },
    [
      "libvirtUri = \"qemu:///system\": libvirt does not answer: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied. Fix: join the group that may use the socket: sudo usermod -aG libvirt $USER, then log in anew (scripts/lab up does both).",
    ],
  ],
  [
    "30 no libvirt",
    {},
    { libvirt: { error: "virsh is not installed" } },
    [
      'libvirtUri = "qemu:///system": libvirt does not answer: virsh is not installed. Fix: scripts/lab doctor shows what is missing, and scripts/lab up installs it.',
    ],
  ],
  [
    "a stopped libvirt, whose guests, networks and pools are not known: their bridges are no one else's",
    { pool: "fast" },
    {
      interfaces: [{ ifname: server.bridge }, { ifname: client.bridge }],
      libvirt: {
        error: "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
        start: "scripts/host/prepare.sh daemons",
      },
      memory: { availableMiB: 1000 },
    },
    [
      "libvirtUri = \"qemu:///system\": libvirt does not answer: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory. Fix: start it: scripts/host/prepare.sh daemons.",
    ],
  ],
  [
    "what could not be asked, which is not the same as nothing",
    { pool: "fast", clientNetwork: { bridge: "br0" } },
    {
      interfaces: null,
      routes: null,
      libvirt: { error: null, domains: null, networks: null, pools: null },
      memory: { availableMiB: 1000 },
    },
    [],
  ],
  [
    "25 a guest image that is not built",
    {},
    { missingImage: "/var/lib/libvirt/images/lvs-dr/0123" },
    [
      "image: the guest image is not built: /var/lib/libvirt/images/lvs-dr/0123 is missing or incomplete. Fix: build it, which takes about a minute: scripts/lab image.",
    ],
  ],
  ["a guest image that is not built and not used", own, { missingImage: "/images/0123", image }, []],
  [
    "a libvirt whose networks all had no DHCP so far",
    {},
    { libvirt: { error: null, missingDirectory: "/var/lib/libvirt/dnsmasq" } },
    [
      'libvirtUri = "qemu:///system": /var/lib/libvirt/dnsmasq is missing: no guest would start on a network without DHCP. Fix: sudo mkdir -p /var/lib/libvirt/dnsmasq.',
    ],
  ],
  [
    "31 no such pool",
    { pool: "fast" },
    { libvirt: { pools: [{ name: "default" }] } },
    [
      'pool = "fast": is not a storage pool of libvirt (there are default). Fix: make it: virsh -c qemu:///system pool-define-as fast dir --target /var/lib/libvirt/images/fast && virsh -c qemu:///system pool-build fast && virsh -c qemu:///system pool-start fast.',
    ],
  ],
  [
    "31 a pool that is not active",
    { pool: "fast" },
    { libvirt: { pools: [{ name: "fast", active: false }] } },
    ['pool = "fast": is not active. Fix: start it: virsh -c qemu:///system pool-start fast.'],
  ],
  [
    "32 a directory in the way",
    own,
    { image: { ...image, untraversable: "/srv" } },
    [
      'image = "/srv/debian.qcow2": cannot be read by QEMU: libvirt-qemu may not enter /srv. Fix: move it below /var/lib/libvirt/images, or: setfacl -m u:libvirt-qemu:x /srv.',
    ],
  ],
  [
    "36 an encrypted key",
    {},
    { privateKey: { ...key, kind: "encrypted" } },
    [
      'host.privateKey = "/root/.ssh/id": is encrypted, and nobody is there to type its passphrase. Fix: remove the passphrase: ssh-keygen -p -f /root/.ssh/id.',
    ],
  ],
  [
    "36 a public key",
    {},
    { privateKey: { ...key, kind: "public" } },
    [
      'host.privateKey = "/root/.ssh/id": is the public key, and the private one is needed. Fix: name a private key without passphrase.',
    ],
  ],
  [
    "36 a key that others can read",
    {},
    { privateKey: { ...key, mode: "0644" } },
    ['host.privateKey = "/root/.ssh/id": has mode 0644: others can read it. Fix: chmod 600 /root/.ssh/id.'],
  ],
  ["36 a good key", {}, { privateKey: key }, []],
  [
    "37 an existing bridge that is not as configured",
    { clientNetwork: { bridge: "br0" } },
    {
      interfaces: [{ ifname: "br0", mtu: 9000, addr_info: [{ local: "172.18.0.5" }, { local: "fe80::1" }] }],
    },
    [
      'clientNetwork.hostAddress = "172.18.0.1": is not an address of br0, through which the host must reach the guests. Fix: set it to 172.18.0.5.',
      "clientNetwork.mtu = 1500: differs from that of br0, 9000: every NIC on one segment needs the same (the guests' eth0 and br0). Fix: set clientNetwork.mtu to 9000.",
    ],
  ],
  [
    "37 an existing bridge without an address",
    { clientNetwork: { bridge: "br0" } },
    { interfaces: [{ ifname: "br0", mtu: 1500 }] },
    [
      'clientNetwork.hostAddress = "172.18.0.1": is not an address of br0, through which the host must reach the guests. Fix: ip address add 172.18.0.1/16 dev br0.',
    ],
  ],
  [
    "23 a bridge that does not exist",
    { clientNetwork: { bridge: "br9" } },
    { interfaces: [{ ifname: "lo" }, { ifname: "br0" }] },
    ['clientNetwork.bridge = "br9": is not an interface of the host. Fix: name one of br0.'],
  ],
  [
    "23 a bridge of the server segment that does not exist",
    { serverNetwork: { bridge: "br9" } },
    { interfaces: [{ ifname: "lo" }, { ifname: "br0" }] },
    ['serverNetwork.bridge = "br9": is not an interface of the host. Fix: name one of br0.'],
  ],
  [
    "38 Docker's policy",
    {},
    { bridgeNetfilter: true, forwardPolicy: "DROP" },
    [
      "host.bridgeNetfilter: bridged frames pass iptables, whose FORWARD policy is DROP (Docker sets it): no guest would reach another. Fix: sysctl -w net.bridge.bridge-nf-call-iptables=0, and keep it: echo net.bridge.bridge-nf-call-iptables=0 > /etc/sysctl.d/90-lvs-dr.conf.",
    ],
  ],
  [
    "39 versions that were not tested",
    {},
    { versions: { pulumi: "v3.100.0", "@pulumi/command": "4.5.0", node: "18.19.0" } },
    [
      'host.pulumi = "v3.100.0": is outside the tested versions: from 3.200.0, below 4.0.0. Fix: install a version of pulumi in that range.',
      'host.@pulumi/command = "4.5.0": is outside the tested versions: from 1.2.1, below 1.3.0. Fix: install a version of @pulumi/command in that range.',
      'host.node = "18.19.0": is outside the tested versions: from 22.13.0, below 25.0.0. Fix: install a version of node in that range.',
    ],
  ],
];

describe("checkHost", () => {
  it.each(cases)("%s", (_name, raw, facts, lines) => {
    expect(checkHost(lab(raw), facts).map(formatRefusal)).toEqual(lines);
  });
});
