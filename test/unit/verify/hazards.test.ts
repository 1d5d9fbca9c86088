import { describe, expect, it } from "vitest";
import { judgeArp, serverMac } from "../../../verify/checks/arp";
import { factsScript } from "../../../verify/checks/guestFacts";
import { deviceTo, hazardKeys, hazardsOf, judgeHazards } from "../../../verify/checks/hazards";
import { judgeNeighbours, parseNeighbours } from "../../../verify/checks/neighbours";
import type { LabNode } from "../../../model/lab/types";
import { LAB } from "../report/fixtures";

const [RS1] = LAB.realServers as [LabNode];
const ROUTES: Readonly<Record<string, readonly string[]>> = {
  router: [
    "10.0.0.0/8 dev eth1 proto kernel scope link src 10.0.0.200",
    "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.7.200",
    "192.168.7.0/24 dev eth1 proto kernel scope link src 192.168.7.200",
  ],
  client: ["default via 172.18.7.200 dev eth0 proto static", "172.18.0.0/16 dev eth0 scope link"],
};
const ONE_NIC = ["default via 192.168.7.200 dev eth0 proto static", "192.168.7.0/24 dev eth0 scope link"];

/** What a sound guest says, with changes. */
function facts(node: LabNode, changes: Record<string, string> = {}, routes = ROUTES[node.name] ?? ONE_NIC) {
  const sound = hazardKeys(LAB, node).map((key) => [key, key.endsWith(".forwarding") ? "1" : "0"]);
  return { sysctls: { ...Object.fromEntries(sound), ...changes }, routes, filtered: 7 };
}

describe("a sysctl that breaks Direct Routing", () => {
  const conf = (device: string, name: string): string => `net.ipv4.conf.${device}.${name}`;
  it.each([
    [
      "proxy_arp_pvlan on the router",
      LAB.routers[0],
      { [conf("eth1", "proxy_arp_pvlan")]: "1" },
      "for every address of the segment",
    ],
    [
      "proxy_arp of all on the director",
      LAB.directors[0],
      { [conf("all", "proxy_arp")]: "1" },
      "that it only has a route to",
    ],
    [
      "arp_ignore 2 on the director",
      LAB.directors[0],
      { [conf("all", "arp_ignore")]: "2" },
      "nobody finds the VIP",
    ],
    [
      "arp_ignore 8 on a real server's NIC",
      RS1,
      { [conf("eth0", "arp_ignore")]: "8" },
      "nobody finds its RIP",
    ],
    ["accept_local on a real server", RS1, { [conf("eth0", "accept_local")]: "1" }, "dropped as a martian"],
    [
      "no forwarding on one of the router's NICs",
      LAB.routers[0],
      { [conf("eth1", "forwarding")]: "0" },
      "forwards nothing",
    ],
    ["IPVS that drops packets", LAB.directors[0], { "net.ipv4.vs.drop_packet": "3" }, "(always)"],
  ])("%s is named with its reason and its repair", (_what, node, changes, why) => {
    const [[key = "", value = ""] = []] = Object.entries(changes);
    const [hazard, ...others] = hazardsOf(LAB, node, facts(node, changes));
    expect(others).toEqual([]);
    expect(hazard).toMatchObject({ subject: node.name, code: key.split(".").at(-1), key, value });
    expect(hazard?.detail).toContain(why);
    const finding = judgeHazards(LAB, node, facts(node, changes));
    expect(finding).toMatchObject({ name: `guests.${node.name}.hazards`, status: "fail" });
    expect(finding.fix).toContain(`sysctl -w ${key}=${hazard?.right}`);
  });

  it.each([LAB.routers[0], LAB.directors[0], LAB.clients[0], RS1])(
    "is not found in a sound guest: $name",
    (node) => {
      expect(hazardsOf(LAB, node, facts(node))).toEqual([]);
      // Loose, or strict where the route is the way the packet came: neither drops anything.
      const strict = { [conf("all", "rp_filter")]: "1", [conf("all", "arp_filter")]: "1" };
      expect(hazardsOf(LAB, node, facts(node, strict))).toEqual([]);
      expect(hazardsOf(LAB, node, facts(node, { [conf("eth0", "rp_filter")]: "2" }))).toEqual([]);
      expect(judgeHazards(LAB, node, facts(node)).status).toBe("pass");
    },
  );

  it.each([
    [
      "strict, and the route to the client elsewhere",
      "1",
      ["default via 10.9.9.9 dev eth1", ...ONE_NIC.slice(1)],
      "by eth1 (7 packets",
    ],
    ["loose, and no route to the client at all", "2", ONE_NIC.slice(1), "is missing"],
  ])("rp_filter %s", (_what, value, routes, why) => {
    const [hazard] = hazardsOf(LAB, RS1, facts(RS1, { [conf("eth0", "rp_filter")]: value }, routes));
    expect(hazard).toMatchObject({ code: "rp_filter", value });
    expect(hazard?.detail).toContain(why);
  });

  it("is read in one script, with the counter of the reverse path filter", () => {
    const script = factsScript(hazardKeys(LAB, LAB.routers[0]), []);
    expect(script).toContain(conf("eth1", "proxy_arp_pvlan"));
    expect(script).toContain("IPReversePathFilter");
    expect(script).not.toContain("ip -4 neigh");
  });
  it("a NIC's own dot is none between two words of a sysctl's key", () => {
    const [router] = LAB.routers;
    const nics = router.nics.map((nic) => ({ ...nic, device: `${nic.device}.7` }));
    const keys = hazardKeys(LAB, { ...router, nics });
    expect(keys).toContain("net.ipv4.conf.eth1/7.proxy_arp");
    expect(factsScript(keys, [])).toContain(
      " net.ipv4.conf.eth1/7.proxy_arp:/proc/sys/net/ipv4/conf/eth1.7/proxy_arp ",
    );
  });
});

it.each([
  ["10.0.0.100", "eth1"],
  ["172.18.7.70", "eth0"],
  ["8.8.8.8", undefined],
])("the longest route to %s", (address, device) => {
  expect(deviceTo(ROUTES["router"] ?? [], address)).toBe(device);
  expect(deviceTo(["default via 1.2.3.4 dev eth9", ...(ROUTES["router"] ?? [])], address)).toBe(
    device ?? "eth9",
  );
});

describe("ARP that the router answers for others", () => {
  it("is put down to proxy ARP on the router, not to a real server's silence", () => {
    const reply = (mac: string): string => `Unicast reply from 10.0.0.100 [${mac.toUpperCase()}]  1.6ms\n`;
    const text = reply(serverMac(LAB.directors[0])) + reply(serverMac(LAB.routers[0]));
    const { status, fix } = judgeArp(LAB, "10.0.0.100", {
      from: "host",
      where: "host",
      command: "arping",
      text,
    });
    expect(status).toBe("fail");
    expect(fix).toMatch(/^on router.*sysctl -w net\.ipv4\.conf\.eth1\.proxy_arp_pvlan=0/);
    expect(fix).not.toContain("arp_ignore");
  });

  it("shows in the director's neighbours", () => {
    const line = (address: string, mac: string): string => `${address} dev eth0 lladdr ${mac} STALE\n`;
    const judged = (text: string) => judgeNeighbours(LAB, LAB.directors[0], parseNeighbours(text));
    const own =
      line(RS1.address, serverMac(RS1)) +
      line("192.168.7.1", "52:54:00:00:00:99") +
      "10.0.0.9 dev eth0 FAILED\n";
    expect(judged(own).status).toBe("pass");
    const wrong = judged(line(RS1.address, serverMac(LAB.routers[0])));
    expect(wrong).toMatchObject({ name: "guests.director.neighbours", status: "fail" });
    expect(wrong.evidence.seen).toBe(`${RS1.address} at router ${serverMac(LAB.routers[0])}`);
  });
});
