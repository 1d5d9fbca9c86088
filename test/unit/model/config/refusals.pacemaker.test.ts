/** What is refused of two directors under Pacemaker, word for word. */
import { expectRefusals } from "./refusals";

const ROOMY = [{ memory: 512 }, { memory: 512 }];
const withPair = (highAvailability: object, raw: object = {}): Record<string, unknown> => ({
  directors: ROOMY,
  highAvailability: { manager: "pacemaker", ...highAvailability },
  ...raw,
});
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
const OTHERWISE = "or set highAvailability.manager to keepalived.";

expectRefusals("two directors under Pacemaker", [
  {
    name: "keepalived's interval",
    raw: withPair({ advertInterval: 0.1 }),
    lines: [
      "highAvailability.advertInterval = 0.1: is a setting of keepalived, and highAvailability.manager is pacemaker. Fix: remove it, or set the manager to keepalived.",
    ],
  },
  {
    name: "its own token with keepalived",
    raw: withPair({ manager: "keepalived", token: 1000 }),
    lines: [
      "highAvailability.token = 1000: is a setting of pacemaker, and highAvailability.manager is keepalived. Fix: remove it, or set the manager to pacemaker.",
    ],
  },
  {
    name: "a permanent neighbour entry",
    raw: withPair({}, { arpStrategy: "static" }),
    lines: [
      `arpStrategy = "static": needs a MAC that moves with the VIP, and Pacemaker's IPaddr2 has none. Fix: set it to sysctl or arptables, ${OTHERWISE}`,
    ],
  },
  {
    name: "several hosts",
    raw: withPair(
      {},
      {
        accelerator: "kvm",
        hosts: [
          { bridges: { client: "a", server: "b" } },
          {
            libvirtUri: "qemu+ssh://root@far/system",
            hostKey: KEY,
            bridges: { client: "a", server: "b" },
          },
        ],
      },
    ),
    lines: [
      `hosts: are several, and Pacemaker's fencing here is by one host that has power over both directors. Fix: name one, ${OTHERWISE}`,
    ],
  },
  {
    name: "a libvirt on another host",
    raw: withPair({}, { accelerator: "kvm", libvirtUri: "qemu+ssh://root@far/system", remoteHostKey: KEY }),
    lines: [
      `libvirtUri = "qemu+ssh://root@far/system": is on another host, and what powers a lost director off runs on this one. Fix: leave it out, ${OTHERWISE}`,
    ],
  },
  {
    name: "directors with too little memory",
    raw: withPair({}, { directors: [{ memory: 512 }, {}] }),
    lines: [
      `directors[1].memory = 384: is too little for director2: Corosync and Pacemaker take 220 MiB, of which 100 are never given back. Fix: set it to 512, ${OTHERWISE}`,
    ],
  },
  {
    name: "a director that is a machine",
    raw: withPair({}, { directors: [{ memory: 512 }, { ssh: { host: "10.1.1.1", hostKey: KEY } }] }),
    lines: [
      `directors[1].ssh: makes director2 a machine that exists, which nobody here can power off when it is lost. Fix: let both directors be guests, ${OTHERWISE}`,
    ],
  },
]);
