/** What Direct Routing stands or falls with, one property each, of every configuration that is accepted. */
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { detectionSeconds, holdSeconds } from "../../../../model/director/detection";
import { guestSettings } from "../../../../model/guest/settings";
import { hostPrefix, isAddress, Prefix } from "../../../../model/lab/address";
import { expectedTable } from "../../../../model/director/ipvs/table";
import { ldirectordFor } from "../../../../model/director/ldirectord/ldirectord";
import { guestIds, labNodes, type Lab, vipCidrsOf } from "../../../../model/lab/types";
import { config, identity, labOf } from "../config/arbitraries";

const LABS = 60;
let labs: Lab[] = [];
beforeAll(() => {
  const samples = fc.sample(fc.tuple(config, identity), { numRuns: 1000 });
  for (const [raw, who] of samples) {
    const lab = labs.length < LABS ? labOf(raw, who) : undefined;
    if (lab !== undefined) labs = [...labs, lab];
  }
  expect(labs.length).toBeGreaterThan(LABS / 2);
});

const each = (property: (lab: Lab) => void): void => labs.forEach(property);
const vipsOf = (lab: Lab): string[] => [...new Set(lab.services.map(({ vip }) => vip))];
const addressesOf = (lab: Lab): string[] =>
  labNodes(lab).flatMap(({ nics }) =>
    nics.flatMap((nic) => nic.addresses.map((at) => at.split("/")[0] ?? "")),
  );

describe("of every lab", () => {
  it("addresses are unique: guests', the host's and the VIPs", () =>
    each((lab) => {
      const { client, server } = lab.segments;
      const all = [...addressesOf(lab), client.hostAddress, server.hostAddress, ...vipsOf(lab)];
      expect(new Set(all).size).toBe(all.length);
    }));

  it("a VIP is on the server segment's subnet only where that is a network of VIPs, and never on the client's", () =>
    each((lab) => {
      for (const vip of vipsOf(lab)) {
        expect(Prefix.parse(lab.segments.client.cidr).contains(vip)).toBe(false);
        const { cidr } = lab.segments.server;
        expect(Prefix.parse(cidr).contains(vip) && !vipCidrsOf(lab).includes(cidr)).toBe(false);
      }
    }));

  it("the real servers' gateway is the router, and never the director", () =>
    each((lab) => {
      for (const { gateway } of lab.realServers) {
        expect(gateway).toBe(lab.routers[0].address);
        expect(gateway).not.toBe(lab.directors[0].address);
      }
    }));

  it("the guests are told each VIP once, with its length; nobody has it before", () =>
    each((lab) => {
      const told = labNodes(lab)
        .map((node) => guestSettings(lab, node))
        .map(({ LVS_VIPS }) => String(LVS_VIPS).split(" "));
      for (const vips of told) expect(vips).toEqual(vipsOf(lab).map(hostPrefix));
      expect(vipsOf(lab).every((text) => isAddress(text))).toBe(true);
      expect(addressesOf(lab).filter((address) => vipsOf(lab).includes(address))).toEqual([]);
    }));

  it("what is forwarded by gate has the VIP's port, in the table and in ldirectord's file", () =>
    each((lab) => {
      for (const service of expectedTable(lab)) {
        if (service.mark !== undefined) throw new Error("a lab has no firewall marks");
        for (const server of service.servers)
          expect(server).toMatchObject({ port: service.port, forward: "gate" });
      }
      for (const { target, reals, fallback } of ldirectordFor(lab).virtuals) {
        if (!("port" in target)) throw new Error("a lab has no firewall marks");
        for (const real of reals) expect(real).toMatchObject({ port: target.port, forward: "gate" });
        expect(fallback?.port ?? target.port).toBe(target.port);
      }
    }));

  it("more silent servers take longer to find, and none less than a round and its own timeout", () =>
    each((lab) => {
      for (const service of lab.services) {
        const { check, realServers } = service;
        const seconds = [0, 1, realServers.length].map((silent) => detectionSeconds(service, silent, lab));
        expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
        expect(seconds[1]).toBeGreaterThan(check.failurecount * (check.checkinterval + holdSeconds(check)));
      }
    }));
});

it("guests stay the same by their role, real servers and a role's further guests by their name", () => {
  const nodes = [
    { name: "gw", role: "router" },
    { name: "lvs1", role: "director" },
    { name: "lvs2", role: "director" },
    { name: "web", role: "realServer" },
  ] as const;
  expect([...guestIds<(typeof nodes)[number]>(nodes).values()]).toEqual([
    "router",
    "director",
    "lvs2",
    "web",
  ]);
});
