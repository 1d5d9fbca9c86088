import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { bad, finds, RS1, RS2, SERVICE, SORRY, verdict, type Seen } from "./assessed";

describe("assessHealth, where more is seen than the article's", () => {
  const up = ["up", "up"];
  const dns = parseConfig(
    { port: 53, services: [{ name: "main", protocol: "udp" }] },
    { project: "lvs-dr", stack: "dev" },
  );
  const DNS = [
    "-A -u 10.0.0.100:53 -s wrr",
    ...[RS1, RS2].map((rs) => rs.replace("-t", "-u").replaceAll(":80", ":53")),
  ];
  const dnsAndWeb = parseConfig(
    {
      port: 53,
      services: [
        { name: "main", protocol: "udp" },
        { name: "web", port: 80 },
      ],
    },
    { project: "lvs-dr", stack: "dev" },
  );

  it.each<[string, Seen, string, string[], string[]]>([
    ["UDP alone: the table tells", { lab: dns, table: DNS, requests: [] }, "healthy", up, []],
    [
      "UDP alone, nobody in the table",
      { lab: dns, table: DNS.slice(0, 1), requests: [] },
      "down",
      ["down", "down"],
      [
        "rs1 192.168.7.10:53: down: weight 0 in service udp 10.0.0.100:53, expected 1",
        "rs2 192.168.7.20:53: down: weight 0 in service udp 10.0.0.100:53, expected 3",
      ],
    ],
    [
      "UDP alone, a table nobody could read",
      {
        lab: dns,
        director: { reachable: false, ipvsSave: "" },
        nodes: { director: finds("director", "unreachable", "cannot be reached by SSH") },
        requests: [],
      },
      "down",
      ["down", "down"],
      ["director: cannot be reached by SSH"],
    ],
    [
      "UDP and TCP: the client tells of the latter",
      { lab: dnsAndWeb, table: [...DNS, SERVICE, RS1, RS2], requests: [bad, bad] },
      "down",
      up,
      ["client: 2 of 2 requests got no good answer"],
    ],
    [
      "UDP and TCP, whose sorry server stands in",
      { lab: dnsAndWeb, table: [...DNS, SERVICE, SORRY] },
      "sorry",
      up,
      [
        "service tcp 10.0.0.100:80: the sorry server stands in for all real servers",
        "rs1 192.168.7.10:80: down: weight 0 in service tcp 10.0.0.100:80, expected 1",
        "rs2 192.168.7.20:80: down: weight 0 in service tcp 10.0.0.100:80, expected 3",
      ],
    ],
    [
      "UDP and TCP, of which the client could not be asked",
      { lab: dnsAndWeb, table: [...DNS, SERVICE, RS1, RS2], requests: [] },
      "degraded",
      up,
      ["client: could not be asked to send requests"],
    ],
    [
      "a guest that was reached, and could not say how it is",
      {
        director: { ipvsSave: undefined },
        nodes: { director: finds("director", "no-answer", "did not answer within 20 s") },
      } as unknown as Seen,
      "degraded",
      ["down", "down"],
      ["director: did not answer within 20 s"],
    ],
  ])("%s", (_name, seen, status, states, problems) => {
    expect(verdict(seen)).toEqual([status, states, problems]);
  });
});
