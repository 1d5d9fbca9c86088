import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { renderGuestTable } from "../../../../../model/director/ipvs/guestTable";

const lab = (config: object) => parseConfig({ ...config }, { project: "lvs-dr", stack: "dev" });
/** Lines of one kind, their fields without the first. */
const fields = (config: object, kind: string): string[][] =>
  renderGuestTable(lab(config), { name: "director" })
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([first]) => first === kind)
    .map(([, ...rest]) => rest);
const KEY = "-t 10.0.0.100:80";

describe("the expected table for the director's script", () => {
  it("holds the article's lab", () => {
    expect(renderGuestTable(lab({}), { name: "director" })).toBe(
      [
        "node\tdirector",
        "mode\tldirectord",
        `service\t${KEY}\t-s wrr\t0\t127.0.0.1:80`,
        `server\t${KEY}\trs1\t192.168.7.10:80\t1\t\thttp\t80\t2\t192.168.7.10\t/test.html\ttest`,
        `server\t${KEY}\trs2\t192.168.7.20:80\t3\t\thttp\t80\t2\t192.168.7.20\t/test.html\ttest`,
      ].join("\n"),
    );
  });

  it("has ipvsadm's own words for a service", () => {
    const config = {
      scheduler: "sh",
      schedulerFlags: ["sh-port"],
      persistent: 600,
      persistenceNetmask: "255.255.255.0",
    };
    expect(fields(config, "service")).toEqual([
      [KEY, "-s sh -p 600 -M 255.255.255.0 -b sh-port", "0", "127.0.0.1:80"],
    ]);
  });

  it.each([
    ["a sorry server", {}, ["0", "127.0.0.1:80"]],
    ["no sorry server", { sorryServer: false }, ["0", ""]],
    ["a quiescent service", { quiescent: true }, ["1", "127.0.0.1:80"]],
    ["a server that drains", { realServers: [{}, { drain: true }] }, ["1", "127.0.0.1:80"]],
    ["no health checks", { quiescent: true, director: { mode: "static" } }, ["0", ""]],
  ])("says what ldirectord may make of it: %s", (_what, config, expected) => {
    expect(fields(config, "service").map((each) => each.slice(2))).toEqual([expected]);
  });

  it("gives a server that drains weight 0", () => {
    expect(
      fields({ realServers: [{ weight: 5 }, { drain: true }] }, "server").map((each) => each[3]),
    ).toEqual(["5", "0"]);
  });

  it("gives every server's thresholds where one has any", () => {
    const limits = (first: object) => fields({ realServers: [first, {}] }, "server").map((each) => each[4]);
    expect(limits({})).toEqual(["", ""]);
    expect(limits({ lowerThreshold: 5, upperThreshold: 10 })).toEqual(["10 5", "0 0"]);
  });

  it("says how a server's check can be made", () => {
    const probe = (config: object) =>
      fields({ realServers: [{}, { drain: true }], ...config }, "server")[0]?.slice(5);
    const check = (healthCheck: object, more: object = {}) => probe({ healthCheck, ...more });
    expect(probe({})).toEqual(["http", "80", "2", "192.168.7.10", "/test.html", "test"]);
    expect(
      check({ checktype: 4, virtualhost: "www", checkport: 81, request: "/a?b", receive: "a b" }),
    ).toEqual(["http", "81", "2", "www", "/a?b", "a b"]);
    expect(check({ checktype: "connect", checkport: 81 })).toEqual(["connect", "81"]);
    expect(check({ checktype: "on" })).toEqual(["on"]);
    expect(check({ negotiatetimeout: 1 })?.[2]).toBe("1");
    expect(
      probe({ realServers: [{ request: "own.html", receive: "mine" }, { drain: true }] })?.slice(4),
    ).toEqual(["/own.html", "mine"]);
    expect(fields({ realServers: [{}, { drain: true }] }, "server")[1]?.slice(5)).toEqual([]);
  });

  it.each([
    [{ checktype: "ping" }, {}],
    [{ service: "https" }, {}],
    [{ service: "smtp" }, { workloads: [{ name: "own" }], services: [{ name: "main", workload: "own" }] }],
    [{ httpmethod: "HEAD" }, {}],
    [{ login: "somebody" }, {}],
    [{ request: "http://elsewhere/" }, {}],
    [{}, { ldirectord: { maintenancedir: "/etc/maintenance" } }],
    [{}, { director: { mode: "static" } }],
  ])("believes ldirectord where it cannot ask as ldirectord does: %o %o", (healthCheck, more) => {
    expect(fields({ healthCheck, ...more }, "server")[0]?.slice(5)).toEqual([]);
  });
});
