import { describe, expect, it } from "vitest";
import type { LabNode } from "../../../../model/lab/types";
import { serverMac } from "../../../../verify/checks/arp";
import { parseCapture } from "../../../../verify/checks/capture";
import { traceOf } from "../../../../verify/diagnosis/trace";
import { LAB } from "../../report/fixtures";
import { parseInside } from "../../../../verify/diagnosis/diagnosis";
import { NOT_ASKED, type Answer } from "../../../../health/requests";
import {
  diagnose,
  type LabSight,
  type ServerSight,
  type Verdict,
} from "../../../../verify/diagnosis/verdict";

const ROUTER = "52:54:00:00:00:01";
const NAMES = {
  vip: "10.0.0.100",
  router: "router",
  lastHop: "router",
  director: "director",
  serving: "systemctl status nginx",
  owner: (mac: string): string => (mac === ROUTER ? `router ${mac}` : `director ${mac}`),
};
const by = (server: string): Answer => ({ ...NOT_ASKED, ok: true, server, detail: "status 200" });
const refusal: Answer = { ...NOT_ASKED, server: "rs1", detail: "status 503" };
const lost: Answer = { ...NOT_ASKED, detail: "timed out" };

function server(name: string, changes: Partial<ServerSight> = {}): ServerSight {
  const well = { direct: by(name), fromRouter: by(name), fromClient: by(name) };
  return { name, ...well, vipOnLo: true, answersArp: false, table: [], ...changes };
}

function sight(servers: ServerSight[], changes: Partial<LabSight> = {}): LabSight {
  return { servers, directorAnswersArp: true, clientReachesVip: true, ...changes };
}

const cases: [string, LabSight, Record<string, Verdict>][] = [
  ["nothing wrong", sight([server("rs1"), server("rs2")]), { rs1: "ok", rs2: "ok" }],
  [
    "the VIP gone from lo",
    sight([server("rs1", { fromRouter: lost, fromClient: lost, vipOnLo: false }), server("rs2")]),
    { rs1: "VIP missing on lo", rs2: "ok" },
  ],
  [
    "the VIP gone from lo, and the server withdrawn and out of the table for it",
    sight([
      server("rs1", {
        direct: refusal,
        withdrawn: "VIP 10.0.0.100/32 missing on lo",
        fromRouter: lost,
        fromClient: lost,
        vipOnLo: false,
        table: ["rs1: missing"],
      }),
      server("rs2"),
    ]),
    { rs1: "VIP missing on lo", rs2: "ok" },
  ],
  [
    "a guard that refuses though all is well",
    sight([server("rs1", { direct: refusal, withdrawn: "some reason", table: ["rs1: missing"] })]),
    { rs1: "withdrawn by its guard" },
  ],
  [
    "a withdrawn server without a web server",
    sight([
      server("rs1", {
        direct: lost,
        withdrawn: "lvs-dr is stopped here",
        fromRouter: lost,
        fromClient: lost,
      }),
    ]),
    { rs1: "service down" },
  ],
  [
    "the VIP on lo, but no way back",
    sight([server("rs1", { fromRouter: lost, fromClient: lost }), server("rs2")]),
    { rs1: "replies are lost", rs2: "ok" },
  ],
  [
    "a way back to the router, but not to the client",
    sight([server("rs1", { fromClient: lost }), server("rs2")]),
    { rs1: "replies are lost", rs2: "ok" },
  ],
  [
    "a page that is not the lab's",
    sight([
      server("rs1", {
        page: { subject: "rs1", code: "wrong-page", detail: "", text: 'rs1: clients read "hello"' },
      }),
      server("rs2"),
    ]),
    { rs1: "wrong page", rs2: "ok" },
  ],
  [
    "no service, as the table shows by then",
    sight([
      server("rs1", { direct: lost, fromRouter: lost, fromClient: lost, table: ["rs1: missing"] }),
      server("rs2"),
    ]),
    { rs1: "service down", rs2: "ok" },
  ],
  [
    "a leak that takes the others' requests",
    sight([
      server("rs1", { answersArp: true }),
      server("rs2", { fromRouter: by("rs1"), fromClient: by("rs1") }),
    ]),
    { rs1: "ARP leak", rs2: "cannot be judged" },
  ],
  [
    "a leak that the router has not fallen for",
    sight([server("rs1", { answersArp: true }), server("rs2")]),
    { rs1: "ARP leak", rs2: "ok" },
  ],
  [
    "no forwarding",
    sight([server("rs1", { fromClient: lost }), server("rs2", { fromClient: lost })], {
      clientReachesVip: false,
    }),
    { rs1: "router does not forward", rs2: "router does not forward" },
  ],
  [
    "a wrong entry",
    sight([server("rs1", { table: ["rs1: weight 9, meant 1"] }), server("rs2")]),
    { rs1: "director's table wrong", rs2: "ok" },
  ],
  [
    "the director without its VIP",
    sight([server("rs1", { fromRouter: lost, fromClient: lost })], {
      directorAnswersArp: false,
      clientReachesVip: false,
    }),
    { rs1: "nobody answers ARP for the VIP" },
  ],
  [
    "a permanent neighbour entry on the router, and nobody who answers ARP",
    sight([server("rs1")], { directorAnswersArp: false }),
    { rs1: "ok" },
  ],
];

it("a real server says whether the VIP is on its lo, and why its guard has withdrawn it", () => {
  const lo =
    "1: lo    inet 10.0.0.100/32 scope global lo:vip\\       valid_lft forever preferred_lft forever\n";
  expect(parseInside(lo, "10.0.0.100")).toEqual({ vipOnLo: true });
  expect(parseInside(lo, "10.0.0.10")).toEqual({ vipOnLo: false });
  expect(parseInside("unfit VIP 10.0.0.100/32 missing on lo\n", "10.0.0.100")).toEqual({
    vipOnLo: false,
    withdrawn: "VIP 10.0.0.100/32 missing on lo",
  });
});

describe("the verdict on", () => {
  it.each(cases)("%s", (_what, seen, expected) => {
    const verdicts = diagnose(seen, NAMES);
    expect(Object.fromEntries(verdicts.map((each) => [each.server, each.verdict]))).toEqual(expected);
    for (const { verdict, fix, because } of verdicts) {
      expect(because).not.toBe("");
      expect(fix === "").toBe(verdict === "ok");
    }
  });
});

describe("a capture on the real server says on which side a packet is lost:", () => {
  const SERVED = { arrived: true, taken: true, filtered: 0 };
  it.each<[string, Partial<ServerSight>, Verdict, RegExp, RegExp]>([
    [
      "the request does not arrive",
      { trace: { arrived: false, taken: false, filtered: 0 } },
      "requests are lost",
      /sees no request$/,
      /^on director: nft list ruleset/,
    ],
    [
      "the director has its address at somebody else's MAC",
      { trace: { arrived: false, taken: false, filtered: 0 }, neighbour: `router ${ROUTER}` },
      "requests are lost",
      /no request: director has its address at router/,
      /^on router: .*proxy_arp_pvlan.*on director: ip neigh flush/,
    ],
    [
      "the request arrives, and its own packet filter drops it",
      { trace: { arrived: true, taken: false, filtered: 0 } },
      "requests are lost",
      /the request arrive, and its kernel does not take it$/,
      /^on rs1: nft list ruleset/,
    ],
    [
      "the request arrives, and its reverse path filter drops it",
      { trace: { arrived: true, taken: false, filtered: 2 } },
      "requests are lost",
      /reverse path filter dropped 2 packets/,
      /rp_filter=0/,
    ],
    [
      "its kernel answers, and nothing leaves",
      { trace: SERVED },
      "replies are lost",
      /no reply leave, though its kernel answers$/,
      /^on rs1: .*output chain/,
    ],
    [
      "the reply leaves for the router, and is lost behind it",
      { trace: { ...SERVED, replyTo: ROUTER } },
      "replies are lost",
      /the reply leave for router/,
      /^on router: /,
    ],
    [
      "the reply leaves for the director",
      { trace: { ...SERVED, replyTo: "52:54:00:00:00:02" } },
      "replies are lost",
      /the reply leave for director/,
      /^on rs1: ip route .*must go to router$/,
    ],
  ])("%s", (_what, seen, verdict, because, fix) => {
    // Whether the router or only the client got no answer.
    for (const silent of [{ fromRouter: lost, fromClient: lost }, { fromClient: lost }]) {
      const [first] = diagnose(sight([server("rs1", { ...silent, ...seen }), server("rs2")]), NAMES);
      expect(first?.verdict).toBe(verdict);
      expect(first?.because).toMatch(because);
      expect(first?.fix).toMatch(fix);
    }
  });

  const [node] = LAB.realServers as [LabNode];
  const [{ vip }] = LAB.services;
  const mac = serverMac(node);
  const line = (from: string, to: string, ips: string, flags: string): string =>
    `1.5 ${from} > ${to}, ethertype IPv4 (0x0800), length 74: ${ips}: Flags [${flags}], seq 1, length 0\n`;
  const request = line(serverMac(LAB.directors[0]), mac, `192.168.7.200.61001 > ${vip}.80`, "S");
  const reply = line(mac, serverMac(LAB.routers[0]), `${vip}.80 > 192.168.7.200.61001`, "S.");
  it.each([
    ["nothing", "", "taken no\nfiltered 0\n", { arrived: false, taken: false, filtered: 0 }],
    ["a request", request, "taken no\nfiltered 3\n", { arrived: true, taken: false, filtered: 3 }],
    [
      "a request that is taken",
      request,
      "taken yes\nfiltered 0\n",
      { arrived: true, taken: true, filtered: 0 },
    ],
    [
      "both",
      request + reply,
      "taken no\nfiltered 0\n",
      { arrived: true, taken: true, replyTo: serverMac(LAB.routers[0]), filtered: 0 },
    ],
  ])("its capture holds %s", (_what, text, said, expected) =>
    expect(traceOf(LAB, node, { vip }, parseCapture(text).frames, said)).toEqual(expected),
  );
});

it("of a client on the server segment no router is suspected, and replies must leave for it", () => {
  const names = {
    ...NAMES,
    lastHop: "client",
    owner: (mac: string): string => (mac === ROUTER ? `router ${mac}` : `client ${mac}`),
  };
  const verdictOf = (servers: ServerSight[], changes: Partial<LabSight>) =>
    diagnose(sight(servers, changes), names)[0];
  const silent = { fromClient: lost };
  expect(
    verdictOf([server("rs1", silent), server("rs2", silent)], { clientReachesVip: false }),
  ).toMatchObject({
    verdict: "client does not reach the VIP",
    fix: expect.stringMatching(/^on client: ip route get 10\.0\.0\.100/) as string,
  });
  const trace = (replyTo: string) => ({
    ...silent,
    trace: { arrived: true, taken: true, filtered: 0, replyTo },
  });
  expect(verdictOf([server("rs1", trace(ROUTER)), server("rs2")], {})?.fix).toBe(
    "on rs1: ip route get client's address; nft list ruleset: replies must go to client",
  );
  expect(verdictOf([server("rs1", trace("52:54:00:00:00:07")), server("rs2")], {})?.fix).toMatch(
    /^on client: sysctl net\.ipv4\.conf\.all\.rp_filter/,
  );
});
