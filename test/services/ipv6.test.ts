/** The services that ldirectord checks over IPv6 too, each with a VIP and a real server of its own, as no lab has them: the model writes the file, from blocks that are given. */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { LdirectordConf, VirtualBlock } from "../../model/director/ldirectord/ldirectord";
import { ENTRIES } from "./support/entries";
import { Fleet, WEIGHT, type Entry } from "./support/fleet";
import { SERVERS } from "./support/servers";

const NAMES = ["http", "https", "dns", "nntp", "simpletcp", "sip"] as const;
const NONE: Entry = { port: 8080, check: { service: "none", checktype: "connect" }, server: SERVERS.nginx };
const six = Object.entries<Entry>({
  ...Object.fromEntries(NAMES.map((name) => [name, ENTRIES[name] as Entry])),
  none: NONE,
}).map(([name, entry], index) => ({
  name,
  entry,
  vip: `2001:db8:1::${index + 1}`,
  rip: `2001:db8:2::${index + 1}`,
}));

const blocks = six.map(({ entry, vip, rip }): VirtualBlock => {
  const { port, protocol = "tcp", check } = entry;
  return {
    target: { address: vip, port },
    family: 6,
    reals: [{ address: rip, port, forward: "gate", weight: WEIGHT }],
    options: { protocol, scheduler: "wrr", checktype: "negotiate", checkinterval: 1, ...check },
  };
});

let fleet: Fleet;
beforeAll(async () => {
  const change = (conf: LdirectordConf): LdirectordConf => ({ ...conf, virtuals: blocks });
  fleet = await Fleet.open({ unused: { port: 80, check: { checktype: "on" } } }, { change, daemon: "later" });
  const [{ check }] = fleet.lab.services;
  for (const { name, entry, vip, rip } of six) {
    const { port, protocol = "tcp", server } = entry;
    fleet.add(name, rip, { vip, port, protocol, check }, server);
  }
  fleet.daemon.start();
  await fleet.daemon.forked(six.length, 60);
}, 300_000);
afterAll(() => fleet?.close());

describe.concurrent("over IPv6, a real server of", () => {
  it.each([...NAMES, "none"])("%s: up, down, up", async (name) => {
    const member = fleet.member(name);
    await member.in(10);
    await member.process.kill();
    await member.out(4);
    member.start();
    await member.in(10);
  });
});
