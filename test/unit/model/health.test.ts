import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config";
import { EXIT_CODES } from "../../../model/health";
import { article, assess, bad, good, RS1, RS2, SERVICE, SORRY, verdict, type Seen } from "./assessed";

describe("assessHealth", () => {
  it("gives the whole output for a healthy lab", () => {
    expect(assess()).toEqual({
      status: "healthy",
      observedAt: "2026-01-02T03:04:05.000Z",
      configHash: article.configHash,
      services: [
        {
          vip: "10.0.0.100",
          port: 80,
          protocol: "tcp",
          scheduler: "wrr",
          persistent: null,
          sorry: false,
          realServers: [
            {
              name: "rs1",
              address: "192.168.7.10",
              port: 80,
              weight: 1,
              configuredWeight: 1,
              state: "up",
              activeConnections: 2,
              inactiveConnections: 7,
            },
            {
              name: "rs2",
              address: "192.168.7.20",
              port: 80,
              weight: 3,
              configuredWeight: 3,
              state: "up",
              activeConnections: 5,
              inactiveConnections: 13,
            },
          ],
        },
      ],
      problems: [],
    });
  });

  const drained = parseConfig(
    { realServers: [{}, { weight: 3, drain: true }] },
    { project: "lvs-dr", stack: "dev" },
  );
  const quiescent = parseConfig({ quiescent: true }, { project: "lvs-dr", stack: "dev" });
  const stat = parseConfig({ director: { mode: "static" } }, { project: "lvs-dr", stack: "dev" });
  const RS2_AT_0 = RS2.replace("-w 3", "-w 0");
  const up = ["up", "up"];

  const cases: [string, Seen, string, string[], string[]][] = [
    [
      "rs1 out",
      { table: [SERVICE, RS2] },
      "degraded",
      ["down", "up"],
      ["rs1 192.168.7.10:80: missing from service tcp 10.0.0.100:80"],
    ],
    [
      "another weight",
      { table: [SERVICE, RS1, RS2.replace("-w 3", "-w 1")] },
      "degraded",
      up,
      ["rs2 192.168.7.20:80: weight 1, meant 3"],
    ],
    [
      "drained on purpose",
      { lab: drained, table: [SERVICE, RS1, RS2_AT_0] },
      "healthy",
      ["up", "drained"],
      [],
    ],
    [
      "meant to be drained, and not",
      { lab: drained, table: [SERVICE, RS1, RS2] },
      "degraded",
      up,
      ["rs2 192.168.7.20:80: weight 3, meant 0"],
    ],
    [
      "quiescent",
      { lab: quiescent, table: [SERVICE, RS1, RS2_AT_0] },
      "degraded",
      ["up", "down"],
      ["rs2 192.168.7.20:80: weight 0, meant 3"],
    ],
    [
      "the sorry server stands in",
      { table: [SERVICE, SORRY] },
      "sorry",
      ["down", "down"],
      [
        "director: the sorry server stands in for tcp 10.0.0.100:80",
        "rs1 192.168.7.10:80: missing from service tcp 10.0.0.100:80",
        "rs2 192.168.7.20:80: missing from service tcp 10.0.0.100:80",
      ],
    ],
    [
      "the sorry server in beside real ones",
      { table: [SERVICE, RS1, RS2, SORRY] },
      "degraded",
      up,
      ["127.0.0.1:80: not meant to be in service tcp 10.0.0.100:80"],
    ],
    [
      "a sorry server that does not answer",
      { table: [SERVICE, SORRY], requests: [bad, bad] },
      "down",
      ["down", "down"],
      [
        "director: the sorry server stands in for tcp 10.0.0.100:80",
        "rs1 192.168.7.10:80: missing from service tcp 10.0.0.100:80",
        "rs2 192.168.7.20:80: missing from service tcp 10.0.0.100:80",
        "client: 2 of 2 requests got no good answer",
      ],
    ],
    ["no answer", { requests: [bad, bad] }, "down", up, ["client: 2 of 2 requests got no good answer"]],
    [
      "some answers",
      { requests: [good, bad, good] },
      "degraded",
      up,
      ["client: 1 of 3 requests got no good answer"],
    ],
    [
      "no client, full table",
      { requests: [] },
      "degraded",
      up,
      ["client: could not be asked to send requests"],
    ],
    [
      "no client, empty table",
      { requests: [], table: [] },
      "down",
      ["down", "down"],
      ["service tcp 10.0.0.100:80: missing", "client: could not be asked to send requests"],
    ],
    [
      "a director that cannot be reached, and answers",
      { director: { reachable: false, ipvsSave: "" } },
      "degraded",
      ["down", "down"],
      ["director: cannot be reached by SSH"],
    ],
    [
      "a daemon that is dead",
      { director: { daemon: { active: false } } },
      "degraded",
      up,
      ["director: ldirectord is not running; nothing checks the real servers"],
    ],
    [
      "a daemon with an old configuration",
      { director: { daemon: { active: true, configHash: "old" } } },
      "degraded",
      up,
      ["director: ldirectord runs with another configuration than the stack's"],
    ],
    [
      "a daemon whose configuration is unknown",
      { director: { daemon: { active: true, configHash: "" } } },
      "healthy",
      up,
      [],
    ],
    [
      "static mode without a daemon",
      { lab: stat, director: { daemon: { active: false } } },
      "healthy",
      up,
      [],
    ],
    [
      "drift on a node",
      { nodes: { rs1: { reachable: true, ok: false, problems: ["VIP missing on lo", "arp_ignore is 0"] } } },
      "degraded",
      up,
      ["rs1: VIP missing on lo", "rs1: arp_ignore is 0"],
    ],
    [
      "a check without words",
      { nodes: { router: { reachable: true, ok: false, problems: [] } } },
      "degraded",
      up,
      ["router: its own check fails"],
    ],
    [
      "a guest out of reach",
      { nodes: { rs2: { reachable: false, ok: false, problems: [] } } },
      "degraded",
      up,
      ["rs2: cannot be reached by SSH"],
    ],
    [
      "a table that cannot be read",
      { director: { ipvsSave: "Can't initialize ipvs" } },
      "degraded",
      ["down", "down"],
      ["director: ipvsadm -Sn: not understood: Can't initialize ipvs"],
    ],
    [
      "a stranger in the table",
      { table: [SERVICE, RS1, RS2, RS1.replace("7.10", "7.99"), "-A -t 10.0.0.100:81 -s rr"] },
      "degraded",
      up,
      [
        "192.168.7.99:80: not meant to be in service tcp 10.0.0.100:80",
        "service tcp 10.0.0.100:81: not meant to be there",
      ],
    ],
    [
      "another scheduler and persistence",
      { table: ["-A -t 10.0.0.100:80 -s rr -p 60", RS1, RS2] },
      "degraded",
      up,
      [
        "service tcp 10.0.0.100:80: scheduler rr, meant wrr",
        "service tcp 10.0.0.100:80: persistence 60 s, meant off",
      ],
    ],
  ];

  it.each(cases)("%s", (_name, seen, status, states, problems) => {
    expect(verdict(seen)).toEqual([status, states, problems]);
  });

  it("gives each status its own exit code", () => {
    expect(EXIT_CODES).toEqual({ healthy: 0, degraded: 3, sorry: 4, down: 5 });
  });
});
