/** The checks of a lab of both families: the same ones, asked of another endpoint. */
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { isOfDiagnosis } from "../../../model/director/ipvs/table";
import type { Lab, VirtualService } from "../../../model/lab/types";
import { judgeArp, serverMac } from "../../../verify/checks/arp";
import { parseCapture } from "../../../verify/checks/capture";
import { parseFacts } from "../../../verify/checks/guestFacts";
import { addressesOf, sysctlsOf } from "../../../verify/checks/guests";
import { judgePath } from "../../../verify/checks/pathJudgement";
import { pingTargets } from "../../../verify/checks/reach";
import { parseInside } from "../../../verify/diagnosis/diagnosis";
import { setUpScript, targetsOf, tearDownScript } from "../../../verify/diagnosis/scripts";

const LAB: Lab = parseConfig(
  {
    clientNetwork: { cidr6: "fd00:18::/64" },
    serverNetwork: { cidr6: "fd00:7::/64" },
    vip6Cidr: "fd00:10::/64",
  },
  { project: "lvs-dr", stack: "dev" },
);
const VIP = "fd00:10::100";
const service = LAB.services.find(({ vip }) => vip === VIP) as VirtualService;
const [router, director, server] = [LAB.routers[0], LAB.directors[0], LAB.realServers[0]].map(
  (node) => node && serverMac(node),
) as [string, string, string];

const tcp = (from: string, to: string, packet: string): string =>
  `1.5 ${from} > ${to}, ethertype IPv6 (0x86dd), length 94: ${packet}, seq 1, length 0`;
const SYN = `fd00:18::7:70.61000 > ${VIP}.80: Flags [S]`;
const REPLY = `${VIP}.80 > fd00:18::7:70.61000: Flags [S.]`;
const solicits = (mac: string, from: string, who: string): string =>
  `1.5 ${mac} > 33:33:ff:00:02:00, ethertype IPv6 (0x86dd), length 86: ${from} > ff02::1:ff00:200: ICMP6, neighbor solicitation, who has ${who}, length 32`;
const advertises = (mac: string, what: string): string =>
  `1.5 ${mac} > ${router}, ethertype IPv6 (0x86dd), length 86: ${what} > fd00:7::200: ICMP6, neighbor advertisement, tgt is ${what}, length 32`;

describe("the path of IPv6", () => {
  const crossing = [tcp(router, director, SYN), tcp(director, server, SYN)].join("\n");
  const back = [tcp(router, director, SYN), tcp(server, router, REPLY)].join("\n");
  const asks = solicits(server, "fd00:7::10", "fd00:7::200");
  const failing = (atDirector: string, atRouter: string): string[] => {
    const [one, other] = [parseCapture(atDirector), parseCapture(atRouter)];
    const seen = { director: one.frames, lastHop: other.frames, arp: other.arp, answered: 1, permanent: [] };
    const commands = { director: "tcpdump", lastHop: "tcpdump" };
    return judgePath(LAB, service, seen, commands, 1)
      .filter(({ status }) => status === "fail")
      .map(({ name }) => name);
  };
  it.each([
    ["as it should be", crossing, `${back}\n${asks}`, []],
    [
      "a reply that crosses the director",
      `${crossing}\n${tcp(server, director, REPLY)}`,
      `${back}\n${asks}`,
      ["path.main-v6.replies"],
    ],
    [
      "a request past the director",
      crossing,
      `${back}\n${asks}\n${tcp(router, server, SYN)}`,
      ["path.main-v6.director-only"],
    ],
    [
      "an advertisement of the VIP by a real server",
      crossing,
      `${back}\n${asks}\n${advertises(server, VIP)}`,
      ["path.main-v6.announce"],
    ],
    [
      "a solicitation in the VIP's name",
      crossing,
      `${back}\n${asks}\n${solicits(server, VIP, "fd00:7::200")}`,
      ["path.main-v6.announce"],
    ],
    ["no solicitation, which proves nothing", crossing, back, ["path.main-v6.announce"]],
  ])("%s", (_what, atDirector, atRouter, expected) =>
    expect(failing(atDirector, atRouter)).toEqual(expected),
  );
});

describe("who has the VIP of IPv6", () => {
  const asked = { from: "router", where: "router", command: "tcpdump" };
  it.each([
    ["the director alone", [director], "pass"],
    ["a real server too", [director, server], "fail"],
    ["nobody", [], "fail"],
  ])("%s answers", (_what, macs, status) => {
    const text = macs.map((mac) => `1.5 reply from ${VIP} [${mac}]\n`).join("");
    const finding = judgeArp(LAB, VIP, { ...asked, text });
    expect(finding).toMatchObject({ name: `arp.${VIP}.router`, status });
    expect(finding.title).toContain("answers NDP");
    if (macs.length > 1) expect(finding.fix).toMatch(/rs1 must have the VIP on lo alone, and proxy_ndp off/);
  });
});

describe("a guest of both families", () => {
  it("has its addresses, and says what it has of itself alone to nobody", () => {
    const text = `== addresses
1: lo    inet 10.0.0.100/32 scope global lo:vip\\       valid_lft forever
1: lo    inet6 fd00:10::100/128 scope global nodad deprecated \\       valid_lft forever
1: lo    inet6 ::1/128 scope host noprefixroute \\       valid_lft forever
2: eth0    inet 192.168.7.10/24 brd 192.168.7.255 scope global eth0\\       valid_lft forever
2: eth0    inet6 fd00:7::10/64 scope global nodad \\       valid_lft forever
2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever
== routes6
default via fd00:7::200 dev eth0 proto static metric 1024 pref medium
== end
`;
    const facts = parseFacts("rs1", text, [], { before: 0, after: 0 });
    const [rs1] = LAB.realServers;
    if (rs1 === undefined) throw new Error("no real server");
    expect([...facts.addresses].sort()).toEqual([...addressesOf(LAB, rs1)].sort());
    expect(facts.routes6).toEqual(["default via fd00:7::200 dev eth0 proto static metric 1024 pref medium"]);
    expect(sysctlsOf(LAB, rs1)).toMatchObject({
      "net.ipv6.conf.all.proxy_ndp": "0",
      "net.ipv6.conf.eth0.proxy_ndp": "0",
    });
    expect(sysctlsOf(LAB, LAB.routers[0])).toMatchObject({ "net.ipv6.conf.all.forwarding": "1" });
    expect(pingTargets(LAB).map(({ from, to }) => `${from.name} ${to}`)).toContain("rs1 fd00:18::7:70");
  });

  it("is diagnosed by marks of its family", () => {
    const targets = targetsOf(service);
    expect(targets.map(({ address }) => address)).toEqual(["fd00:7::10", "fd00:7::20", "::1"]);
    const script = setUpScript(service, targets);
    expect(script).toContain("-A -f 27000 -6 -s rr\n-a -f 27000 -6 -r [fd00:7::10]:0 -g -w 1");
    expect(script).toMatch(/ip6 daddr fd00:10::100 tcp dport 80 .* meta mark set 27000/);
    expect(tearDownScript(targets)).toContain("ipvsadm -D -f 27000 -6");
    expect(isOfDiagnosis({ mark: 27000, family: 6 })).toBe(true);
    expect(parseInside("1: lo    inet6 fd00:10::100/128 scope global", VIP)).toEqual({ vipOnLo: true });
    expect(parseInside("1: lo    inet 10.0.0.100/32 scope global", VIP)).toEqual({ vipOnLo: false });
  });
});
