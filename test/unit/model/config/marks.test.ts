import { describe, expect, it } from "vitest";
import { renderMarks } from "../../../../model/director/ipvs/marks";
import { ipvsRestoreRules } from "../../../../model/director/ipvs/table";
import { renderLdirectord, ldirectordFor } from "../../../../model/director/ldirectord/ldirectord";
import { guestSettings } from "../../../../model/guest/settings";
import { serviceTitle } from "../../../../model/lab/target";
import { parseConfig } from "../../../../model/config/config";
import type { Lab } from "../../../../model/lab/types";

const lab = (...services: object[]): Lab =>
  parseConfig({ services: JSON.stringify(services) }, { project: "lvs-dr", stack: "dev" });
const refusal = (...services: object[]): string => {
  try {
    lab(...services);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("was not refused");
};

describe("a group of ports", () => {
  const web = { name: "main", ports: [80, 443], persistent: 600 };

  it("is one service by a mark, its first port's, whose servers keep each packet's port", () => {
    expect(ipvsRestoreRules(lab(web))).toEqual([
      "-A -f 80 -s wrr -p 600",
      "-a -f 80 -r 192.168.7.10:0 -g -w 1",
      "-a -f 80 -r 192.168.7.20:0 -g -w 3",
    ]);
    expect(serviceTitle(lab(web).services[0])).toBe("10.0.0.100:80,443/tcp by mark 80");
  });

  it("is marked by nftables of the director in one transaction", () => {
    const text = renderMarks(
      lab(web, { name: "ftp", mark: 7, ports: [21, "30000-30099"], healthCheck: { checktype: "connect" } }),
    );
    expect(text.split("\n").slice(0, 2)).toEqual(["add table inet lvs_dr", "delete table inet lvs_dr"]);
    expect(text.match(/ip daddr.*/g)).toEqual([
      "ip daddr 10.0.0.100 tcp dport { 80, 443 } meta mark set 80",
      "ip daddr 10.0.0.100 tcp dport { 21, 30000-30099 } meta mark set 7",
    ]);
    expect(renderMarks(lab())).toBe("");
  });

  it("is a virtual of ldirectord by mark, checked at its first port, with a sorry server for each port", () => {
    const text = renderLdirectord(ldirectordFor(lab(web)));
    for (const line of [
      "virtual=80",
      "real=192.168.7.10 gate 1",
      "fallback=127.0.0.1:0 gate",
      "protocol=fwm",
      "service=http",
      "checkport=80",
    ])
      expect(text).toMatch(new RegExp(`^ *${line}$`, "m"));
  });

  it("has its single ports served by real servers and the sorry page, not its ranges", () => {
    const built = lab({ ...web, ports: [80, 8080, "30000-30099"] });
    const ports = [...built.directors, ...built.realServers].map((node) => {
      const { LVS_PORTS, LVS_SORRY_PORTS } = guestSettings(built, node);
      return LVS_PORTS ?? LVS_SORRY_PORTS;
    });
    expect(ports).toEqual(["80 8080", "80 8080", "80 8080"]);
  });

  it("of one port is that port's service, unless it has a mark", () => {
    expect(lab({ name: "main", ports: [8080] }).services[0]).toMatchObject({ port: 8080 });
    expect(lab({ name: "main", ports: [8080] }).services[0].mark).toBeUndefined();
    expect(lab({ name: "main", ports: [8080], mark: 5 }).services[0].mark).toBe(5);
  });

  it("leaves a service of one port at that port, whichever one is checked", () => {
    const healthCheck = { checktype: "connect", checkport: 9090 };
    const { services } = lab({ name: "main", healthCheck }, { name: "x", port: 8080, healthCheck });
    expect(services.map(({ port, check }) => [port, check.checkport])).toEqual([
      [80, 9090],
      [8080, 9090],
    ]);
  });

  it("of all ports has no sorry server of the director's, and mark 1", () => {
    const [, all] = lab({
      name: "all",
      vip: "10.0.0.101",
      ports: "all",
      healthCheck: { checkport: 80 },
    }).services;
    expect(all).toMatchObject({ mark: 1, port: 80, ports: [{ first: 1, last: 65535 }] });
    expect(all?.sorry).toBeUndefined();
  });

  it("takes the next mark where another one has its own, and none of those that verify uses", () => {
    const marks = (...services: object[]): unknown[] => lab(...services).services.map(({ mark }) => mark);
    const other = { name: "other", vip: "10.0.0.101", ports: [80, 443] };
    expect(marks(web, other)).toEqual([80, 81]);
    expect(marks({ ...web, mark: 81 }, other)).toEqual([81, 80]);
    expect(marks({ name: "main", ports: [27000, 27005] })).toEqual([27300]);
  });

  it.each<[string, object[], string]>([
    [
      "the same port as a service",
      [
        { name: "x", port: 8080 },
        { name: "g", ports: [8080, 8081] },
      ],
      "services[1].ports: has a port that x has too, 10.0.0.100:8080/tcp",
    ],
    ["a port of main's", [{ name: "g", ports: [80, 81] }], "services[0].ports: has a port that main has too"],
    [
      "all ports beside another's",
      [{ name: "g", ports: "all" }],
      "services[0].ports: has a port that main has too",
    ],
    [
      "a mark of verify's",
      [{ ...web, mark: 27001 }],
      "services[0].mark = 27001: is one of those by which verify asks each real server",
    ],
    [
      "a mark that is taken",
      [
        { ...web, mark: 7 },
        { name: "g", ports: [1, 2], mark: 7 },
      ],
      "services[1].mark = 7: is main's too",
    ],
    ["mark 0", [{ ...web, mark: 0 }], "services[0].mark = 0: must be an integer from 1 to 2147483647"],
    ["a mark alone", [{ name: "main", mark: 7 }], "services[0].mark = 7: is given without ports"],
    ["port and ports", [{ ...web, port: 80 }], "services[0].port = 80: is given beside ports"],
    ["SSH's port", [{ name: "main", ports: [80, 22] }], "services[0].ports: has SSH's port 22"],
    ["a port twice", [{ name: "main", ports: [80, "79-81"] }], "services[0].ports: names 79-81 twice"],
    [
      "a range upside down",
      [{ name: "main", ports: ["81-80"] }],
      'has "81-80", which is neither a port nor a range',
    ],
    ["no port", [{ name: "main", ports: [] }], "services[0].ports = []: is neither all nor a list of ports"],
    [
      "a real server's port",
      [{ ...web, realServers: [{ name: "rs1", port: 80 }] }],
      "services[0].realServers[0].port = 80: differs",
    ],
    [
      "a sorry server's port",
      [{ ...web, sorryServer: { port: 80 } }],
      "services[0].sorryServer.port = 80: differs from the service's ports",
    ],
  ])("is refused with %s", (_what, services, message) => expect(refusal(...services)).toContain(message));
});
