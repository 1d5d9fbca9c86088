/** What is refused of guests, names and the platform, word for word; numbers are those of the project's list of bad inputs. */
import { expectRefusals } from "./refusals";

expectRefusals("guests, names and the platform", [
  {
    name: "15 unknown key",
    raw: { shceduler: "s3cret" },
    lines: [
      "shceduler: is not a configuration key, did you mean scheduler. Fix: rename it to scheduler, or remove it.",
    ],
  },
  {
    name: "15 unknown field",
    raw: { realServers: [{ wieght: "s3cret" }] },
    lines: [
      "realServers[0].wieght: is not a configuration key, did you mean weight. Fix: rename it to weight, or remove it.",
    ],
  },
  {
    name: "15 unknown field far from all",
    raw: { zzzzzz: "s3cret" },
    lines: [
      "zzzzzz: is not a configuration key. Fix: remove it; known here are libvirtUri, remoteHostKey, hosts, accelerator, image, imageSha256, pool, memory, vcpus, bootParallel, bootTimeout, clientNetwork, serverNetwork, vipCidr, vips, vip6Cidr, client, router, director, directors, highAvailability, vip, vip6, port, scheduler, schedulerFlags, persistent, persistenceNetmask, persistencePrefix6, realServerCount, realServers, arpStrategy, sorryServer, healthCheck, quiescent, services, workloads, ldirectord, ipvsTimeouts, drainTimeout, drills.",
    ],
  },
  {
    name: "23 duplicate names",
    raw: { realServers: [{ name: "web" }, { name: "web" }] },
    lines: [
      'realServers[1].name = "web": is the name of both real server 1 (realServers[0].name) and real server 2. Fix: choose another name.',
    ],
  },
  {
    name: "23 explicit name of a default",
    raw: { realServers: [{ name: "rs2" }, {}] },
    lines: [
      'realServers[1].name = "rs2": is the name of both real server 1 (realServers[0].name) and real server 2. Fix: choose another name.',
    ],
  },
  {
    name: "23 name of a role",
    raw: { realServers: [{ name: "director" }] },
    lines: [
      'realServers[0].name = "director": is the name of both the director (director.name) and real server 1. Fix: choose another name.',
    ],
  },
  {
    name: "23 role's word moved",
    raw: { client: { name: "router" }, router: { name: "gw" } },
    lines: [
      'client.name = "router": is reserved for the router itself (router.name). Fix: choose another name.',
    ],
  },
  {
    name: "23 role's word for a real server, where the role has another name",
    raw: { director: { name: "lvs1" }, realServers: [{ name: "director" }, { name: "lvs1" }] },
    lines: [
      'realServers[0].name = "director": is reserved for the director itself (director.name). Fix: choose another name.',
      'realServers[1].name = "lvs1": is the name of both the director (director.name) and real server 2. Fix: choose another name.',
    ],
  },
  {
    name: "23 reserved name",
    raw: { realServers: [{ name: "localhost" }] },
    lines: [
      'realServers[0].name = "localhost": is reserved: it is the name of every host itself. Fix: choose another name.',
    ],
  },
  {
    name: "23 name is not a label",
    raw: { realServers: [{ name: "Web_1" }] },
    lines: [
      'realServers[0].name = "Web_1": is not a DNS label. Fix: use 1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last.',
    ],
  },
  {
    name: "23 bridge too long",
    raw: { clientNetwork: { bridge: "br-lab-of-the-first-floor" } },
    lines: [
      'clientNetwork.bridge = "br-lab-of-the-first-floor": has 25 characters, and a bridge has at most 15. Fix: name an existing bridge of the host, as in `ip link show type bridge`.',
    ],
  },
  {
    name: "23 bridge is no name",
    raw: { clientNetwork: { bridge: "br 0" } },
    lines: [
      'clientNetwork.bridge = "br 0": is not an interface name. Fix: name an existing bridge of the host, as in `ip link show type bridge`.',
    ],
  },
  {
    name: "27 URL without checksum",
    raw: { image: "http://example.com/debian.qcow2" },
    lines: [
      'image = "http://example.com/debian.qcow2": is a URL without a checksum; anyone on the way could replace it. Fix: download it, write its absolute path, and set imageSha256 to its published SHA-256.',
    ],
  },
  {
    name: "27 checksum without image",
    raw: { imageSha256: "0000000000000000000000000000000000000000000000000000000000000000" },
    lines: [
      'imageSha256 = "0000000000000000000000000000000000000000000000000000000000000000": is the digest of no image. Fix: set image, or remove imageSha256.',
    ],
  },
  {
    name: "27 checksum malformed",
    raw: { image: "/a.qcow2", imageSha256: "abc" },
    lines: ['imageSha256 = "abc": is not a SHA-256 digest. Fix: write 64 hexadecimal digits.'],
  },
  {
    name: "27 URL of another kind",
    raw: {
      image: "ftp://example.com/a.qcow2",
      imageSha256: "0000000000000000000000000000000000000000000000000000000000000000",
    },
    lines: [
      'image = "ftp://example.com/a.qcow2": is a URL of an unknown kind. Fix: write the absolute path of a file.',
    ],
  },
  {
    name: "27 URL with checksum",
    raw: {
      image: "https://example.com/a.qcow2",
      imageSha256: "0000000000000000000000000000000000000000000000000000000000000000",
    },
    lines: [
      'image = "https://example.com/a.qcow2": is a URL, and an image is not downloaded while the lab is applied. Fix: download it, and write its absolute path; imageSha256 is then compared with the file.',
    ],
  },
  {
    name: "27 relative path",
    raw: { image: "images/a.qcow2" },
    lines: [
      'image = "images/a.qcow2": is not an absolute path. Fix: write the absolute path of the file on the libvirt host.',
    ],
  },
  {
    name: "37 MTU",
    raw: { serverNetwork: { mtu: 1279 } },
    lines: [
      "serverNetwork.mtu = 1279: must be an integer from 1280 to 9000 bytes. Fix: choose 1280 to 9000.",
    ],
  },
  {
    name: "memory below a guest's need",
    raw: { memory: "128", director: { memory: 100 } },
    lines: [
      "memory = 128: must be an integer from 256 to 65536 MiB; a Debian 12 guest does not boot reliably below 256 MiB. Fix: choose 256 to 65536.",
      "director.memory = 100: must be an integer from 256 to 65536 MiB; a Debian 12 guest does not boot reliably below 256 MiB. Fix: choose 256 to 65536.",
    ],
  },
  {
    name: "vcpus 0",
    raw: { vcpus: "0" },
    lines: ["vcpus = 0: must be an integer from 1 to 16 virtual CPUs. Fix: choose 1 to 16."],
  },
  {
    name: "remote host with auto",
    raw: { libvirtUri: "qemu+ssh://me@lab.example.com:2222/system" },
    lines: [
      'accelerator = "auto": cannot be found out on the remote host lab.example.com: the probe boots a guest on this one. Fix: say kvm if that host has working KVM, else qemu (slow).',
    ],
  },
  {
    name: "a key file beside the project",
    raw: { libvirtUri: "qemu+ssh://me@lab.example.com/system?keyfile=i+d", accelerator: "kvm" },
    lines: [
      'libvirtUri = "qemu+ssh://me@lab.example.com/system?keyfile=i+d": has a keyfile that is not an absolute path: i+d. Fix: write keyfile=/path/to/key.',
    ],
  },
  {
    name: "host key of this host",
    raw: { remoteHostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" },
    lines: [
      'remoteHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB": is the key of another host, and libvirtUri names none. Fix: set libvirtUri to qemu+ssh://USER@HOST:PORT/system, or remove remoteHostKey.',
    ],
  },
  {
    // The provider would ask for its SHA-1 signature, which no server gives any more.
    name: "RSA host key",
    raw: {
      libvirtUri: "qemu+ssh://me@lab.example.com/system",
      accelerator: "kvm",
      remoteHostKey: "ssh-rsa AAAAB3",
    },
    lines: [
      'remoteHostKey = "ssh-rsa AAAAB3": is not an Ed25519 or ECDSA public key. Fix: write what `ssh-keyscan -t ed25519 HOST` prints after the host\'s name.',
    ],
  },
  {
    name: "session",
    raw: { libvirtUri: "qemu:///session" },
    lines: [
      'libvirtUri = "qemu:///session": is a session connection, which cannot make networks. Fix: use qemu:///system, or qemu+ssh://USER@HOST:PORT/system for another host.',
    ],
  },
  {
    name: "other hypervisor",
    raw: { libvirtUri: "xen:///system" },
    lines: [
      'libvirtUri = "xen:///system": is not a QEMU connection through which the guests can be reached. Fix: use qemu:///system, or qemu+ssh://USER@HOST:PORT/system for another host.',
    ],
  },
  {
    name: "remote without SSH",
    raw: { libvirtUri: "qemu+tls://lab.example.com/system" },
    lines: [
      'libvirtUri = "qemu+tls://lab.example.com/system": is not a QEMU connection through which the guests can be reached. Fix: use qemu:///system, or qemu+ssh://USER@HOST:PORT/system for another host.',
    ],
  },
  {
    name: "remote port",
    raw: { libvirtUri: "qemu+ssh://lab.example.com:70000/system", accelerator: "kvm" },
    lines: [
      'libvirtUri = "qemu+ssh://lab.example.com:70000/system": has port 70000, and ports are 1–65535. Fix: use qemu:///system, or qemu+ssh://USER@HOST:PORT/system for another host.',
    ],
  },
  {
    name: "accelerator",
    raw: { accelerator: "hvf" },
    lines: ['accelerator = "hvf": is not a valid accelerator. Fix: choose one of auto, kvm, qemu.'],
  },
  {
    name: "object expected",
    raw: { director: "static" },
    lines: [
      "director: must be an object. Fix: write it as a YAML object, or set its fields with `pulumi config set --path`.",
    ],
  },
  {
    name: "list expected",
    raw: { realServers: "rs1,rs2" },
    lines: ["realServers: must be a list. Fix: write it as a YAML list."],
  },
  {
    name: "element of another type",
    raw: { realServers: ["rs1"] },
    lines: ['realServers[0] = "rs1": must be an object. Fix: write its fields, as KEY: VALUE.'],
  },
  {
    name: "boolean",
    raw: { quiescent: "perhaps" },
    lines: ['quiescent = "perhaps": must be true or false. Fix: write true or false, without quotes.'],
  },
  {
    name: "all at once",
    raw: {
      vip: "172.18.7.100",
      scheduler: "wrrr",
      port: "0",
      realServers: [{ weight: 0 }, { wieght: 1, address: "192.168.7.30", weight: 0 }],
      memory: "1",
      healthCheck: { checktimeout: 0, passwd: 'x"y' },
    },
    lines: [
      "memory = 1: must be an integer from 256 to 65536 MiB; a Debian 12 guest does not boot reliably below 256 MiB. Fix: choose 256 to 65536.",
      "port = 0: must be an integer from 1 to 65535, not SSH's 22. Fix: choose 1 to 65535.",
      'scheduler = "wrrr": is not a valid scheduler. Fix: choose one of rr, wrr, lc, wlc, fo, ovf, lblc, lblcr, dh, sh, mh, sed, nq, twos.',
      "realServers[1].wieght: is not a configuration key, did you mean weight. Fix: rename it to weight, or remove it.",
      'healthCheck.passwd: would corrupt ldirectord.cf at position 2. Fix: remove line breaks, control characters, " and #.',
      "healthCheck.checktimeout = 0: must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 4 to 86403 seconds. Fix: choose 1 to 86400.",
      'vip = "172.18.7.100": is in clientNetwork.cidr 172.18.0.0/16; the router would never forward it. Fix: choose a free address in vipCidr 10.0.0.0/8.',
      'realServers[1].address = "192.168.7.30": is the address of both the director (DIP) (director.address) and rs2; a director is no real server: it holds the VIP, and what it would forward to itself never leaves it. Fix: give rs2 an address of its own.',
    ],
  },
]);
