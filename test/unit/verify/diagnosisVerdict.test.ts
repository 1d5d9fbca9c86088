import { describe, expect, it } from "vitest";
import { parseInside } from "../../../verify/diagnosis";
import {
  diagnose,
  type Answer,
  type LabSight,
  type ServerSight,
  type Verdict,
} from "../../../verify/diagnosisVerdict";

const NAMES = { vip: "10.0.0.100", router: "router", director: "director" };
const by = (server: string): Answer => ({ ok: true, server, detail: "status 200" });
const refusal: Answer = { ok: false, server: "rs1", detail: "status 503" };
const lost: Answer = { ok: false, server: "", detail: "timed out" };

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
