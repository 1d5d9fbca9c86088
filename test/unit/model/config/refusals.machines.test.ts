/** What is refused of machines that exist, and of a lab without a client or router, word for word. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { guestsOf, labNodes } from "../../../../model/lab/types";
import { expectRefusals } from "./refusals";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const own = { hostKey };
const none = { client: false, router: false };

expectRefusals("machines that exist", [
  {
    name: "a host key is required, and must be one",
    raw: { director: { ssh: { host: "a b", hostKey: "ssh-dss AAAA", user: "x y", keyFile: "id" } } },
    lines: [
      'director.ssh.host = "a b": is not a host\'s name or address. Fix: write one such as 192.168.7.10.',
      'director.ssh.user = "x y": is not a user\'s name. Fix: write one such as root.',
      'director.ssh.keyFile = "id": is not an absolute path. Fix: write /path/to/key.',
      'director.ssh.hostKey = "ssh-dss AAAA": is not an Ed25519 or ECDSA public key. Fix: write what `ssh-keyscan -t ed25519 HOST` prints after the host\'s name.',
    ],
  },
  {
    name: "a host key left out",
    raw: { director: { ssh: { jump: { host: "way" } } } },
    lines: [
      "director.ssh.hostKey: is missing, and nobody else vouches for the machine. Fix: write its address, and what `ssh-keyscan -t ed25519 HOST` prints after the host's name.",
      "director.ssh.jump.hostKey: is missing, and nobody else vouches for the machine. Fix: write its address, and what `ssh-keyscan -t ed25519 HOST` prints after the host's name.",
    ],
  },
  {
    name: "what only a guest has",
    raw: { director: { ssh: own, memory: 512 }, realServers: [{ ssh: own, mac: "52:54:00:00:00:01" }] },
    lines: [
      "director.memory = 512: is what a guest gets, and director.ssh says that this is a machine that exists. Fix: remove it, or director.ssh.",
      'realServers[0].mac = "52:54:00:00:00:01": is what a guest gets, and realServers[0].ssh says that this is a machine that exists. Fix: remove it, or realServers[0].ssh.',
    ],
  },
  {
    name: "one machine for two nodes",
    raw: { realServers: [{ ssh: { ...own, host: "m" } }, { ssh: { ...own, host: "m" } }] },
    lines: [
      "ssh: leads to m:22 for rs2, and for rs1 too: a machine has one role. Fix: give each its own machine.",
    ],
  },
  {
    name: "the short form beside the long one",
    raw: { director: { ssh: own }, directors: [{ ssh: own }] },
    lines: [
      "director.ssh: is given beside directors, which has the directors one by one. Fix: write it as directors[0].ssh.",
    ],
  },
  {
    name: "what a router does where there is none",
    raw: { ...none, directors: [{}, {}], arpStrategy: "static" },
    lines: [
      "directors: judge by the router whether they are cut off, and router is false. Fix: name a router, or one director.",
      'arpStrategy = "static": has the router keep the VIP\'s MAC address, and router is false. Fix: choose sysctl or arptables, or name a router.',
    ],
  },
  {
    name: "one bridge for both segments",
    raw: { clientNetwork: { bridge: "br0" }, serverNetwork: { bridge: "br0" } },
    lines: [
      'serverNetwork.bridge = "br0": is clientNetwork.bridge too; client and server would share a segment. Fix: name another bridge, or leave one of the two out.',
    ],
  },
  {
    name: "anything but false in the place of a client",
    raw: { client: true },
    lines: ["client = true: must be an object, or false for none. Fix: write its fields, or false."],
  },
]);

it("a lab of machines alone has no guest, and nobody's client is none of its nodes", () => {
  const lab = parseConfig(
    { ...none, director: { ssh: own }, realServers: [{ ssh: own }] },
    { project: "lvs-dr", stack: "machines" },
  );
  expect(labNodes(lab).map(({ name, ssh }) => [name, ssh?.host])).toEqual([
    ["director", "192.168.7.30"],
    ["rs1", "192.168.7.10"],
  ]);
  expect(guestsOf(lab)).toEqual([]);
  expect(lab.clients[0].here).toBe(true);
});

it("how a machine is reached is none of what reaches it", () => {
  const hashWith = (ssh: object): string =>
    parseConfig({ director: { ssh: { ...own, ...ssh } } }, { project: "lvs-dr", stack: "machines" })
      .configHash;
  expect(hashWith({ port: 2222, jump: { host: "way", hostKey } })).toBe(hashWith({}));
});

it("leaves VIPs where they are in a network that nobody is a client in", () => {
  const machines = { director: { ssh: own }, realServers: [{ ssh: own }] };
  const vip = { vips: ["172.18.0.5/16"], services: [{ name: "a", port: 80, vip: "172.18.0.5" }] };
  const lab = parseConfig({ ...none, ...machines, ...vip }, { project: "lvs-dr", stack: "dev" });
  expect(lab.services[1]?.vip).toBe("172.18.0.5");
  expect(() => parseConfig({ ...machines, ...vip }, { project: "lvs-dr", stack: "dev" })).toThrow(
    "overlaps clientNetwork.cidr 172.18.0.0/16",
  );
});
