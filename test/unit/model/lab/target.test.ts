import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { ipvsRestoreRules } from "../../../../model/director/ipvs/table";
import { ldirectordFor, renderLdirectord } from "../../../../model/director/ldirectord/ldirectord";
import { ldirectordId } from "../../../../model/director/ldirectord/tls";
import { serviceKey, targetArguments, type Target } from "../../../../model/lab/target";
import type { Lab } from "../../../../model/lab/types";

describe("a target", () => {
  it.each<[Target, string, string]>([
    [{ protocol: "tcp", vip: "10.0.0.100", port: 80 }, "tcp 10.0.0.100:80", "-t 10.0.0.100:80"],
    [{ protocol: "udp", vip: "2001:db8::1", port: 53 }, "udp [2001:db8::1]:53", "-u [2001:db8::1]:53"],
    [{ mark: 7, family: 4 }, "fwm 7", "-f 7"],
    [{ mark: 7, family: 6 }, "fwm 7 -6", "-f 7 -6"],
  ])("%j is called %s, by ipvsadm %s", (target, key, words) => {
    expect([serviceKey(target), targetArguments(target)]).toEqual([key, words]);
  });
});

it("a service by mark is one in the table and in ldirectord.cf, whose servers keep each packet's port", () => {
  const lab = parseConfig({ sorryServer: false }, { project: "lvs-dr", stack: "dev" });
  const [main] = lab.services;
  const realServers = main.realServers.map((server) => ({ ...server, port: 0 }));
  const marked: Lab = {
    ...lab,
    services: [
      {
        ...main,
        mark: 7,
        family: 4,
        ports: [
          { first: 80, last: 80 },
          { first: 443, last: 443 },
        ],
        realServers,
      },
    ],
  };
  expect(ipvsRestoreRules(marked)).toEqual([
    "-A -f 7 -s wrr",
    "-a -f 7 -r 192.168.7.10:0 -g -w 1",
    "-a -f 7 -r 192.168.7.20:0 -g -w 3",
  ]);
  const text = renderLdirectord(ldirectordFor(marked));
  for (const line of ["virtual=7", "    protocol=fwm", "    real=192.168.7.10 gate 1", "    checkport=80"])
    expect(text.split("\n")).toContain(line);
  expect(marked.services.map(ldirectordId)).toEqual(["fwm:7"]);
});
