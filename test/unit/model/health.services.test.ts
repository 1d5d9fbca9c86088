import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config";
import { bad, RS1, RS2, SERVICE, SORRY, verdict, type Seen } from "./assessed";

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
    [
      "a diagnosis under way",
      {
        table: [
          SERVICE,
          RS1,
          RS2,
          "-A -f 27000 -s rr",
          "-a -f 27000 -r 192.168.7.10:0 -g -w 1",
          "-A -f 27064 -s rr",
        ],
      },
      "healthy",
      up,
      [],
    ],
    [
      "services by firewall mark that are no diagnosis's",
      { table: [SERVICE, RS1, RS2, "-A -f 26999 -s rr", "-A -f 27100 -s rr", "-A -f 27000 -6 -s rr"] },
      "degraded",
      up,
      [
        "service fwm 26999: not meant to be there",
        "service fwm 27100: not meant to be there",
        "service fwm 27000 -6: not meant to be there",
      ],
    ],
    ["UDP alone: the table tells", { lab: dns, table: DNS, requests: [] }, "healthy", up, []],
    [
      "UDP alone, nobody in the table",
      { lab: dns, table: DNS.slice(0, 1), requests: [] },
      "down",
      ["down", "down"],
      [
        "rs1 192.168.7.10:53: missing from service udp 10.0.0.100:53",
        "rs2 192.168.7.20:53: missing from service udp 10.0.0.100:53",
      ],
    ],
    [
      "UDP alone, a table nobody could read",
      { lab: dns, director: { reachable: false, ipvsSave: "" }, requests: [] },
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
        "director: the sorry server stands in for tcp 10.0.0.100:80",
        "rs1 192.168.7.10:80: missing from service tcp 10.0.0.100:80",
        "rs2 192.168.7.20:80: missing from service tcp 10.0.0.100:80",
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
        nodes: { director: { reachable: true, ok: false, problems: ["did not answer within 20 s"] } },
      } as Seen,
      "degraded",
      ["down", "down"],
      ["director: did not answer within 20 s"],
    ],
  ])("%s", (_name, seen, status, states, problems) => {
    expect(verdict(seen)).toEqual([status, states, problems]);
  });
});
