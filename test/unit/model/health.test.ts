import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { EXIT_CODES, sameHealth, withProblems } from "../../../model/health";
import type { Problem } from "../../../model/lab/problem";
import { labNodes } from "../../../model/lab/types";
import { article, assess, bad, finds, good, RS1, RS2, SERVICE, SORRY, verdict, type Seen } from "./assessed";

describe("sameHealth", () => {
  const one = assess();
  const changed = (edit: (copy: ReturnType<typeof assess>) => object): boolean =>
    sameHealth(one, { ...one, ...edit(one) });

  it("holds at another time, with other connections, and however the state's backend has ordered the keys", () => {
    expect(changed(() => ({ observedAt: "2027-01-01T00:00:00.000Z" }))).toBe(true);
    const services = JSON.parse(
      JSON.stringify(one.services).replaceAll('Connections":', 'Connections":1'),
    ) as [];
    expect(services).not.toEqual(one.services);
    expect(changed(() => ({ services }))).toBe(true);
    const { status, ...rest } = one;
    expect(sameHealth(one, { ...rest, status })).toBe(true);
  });

  it("does not with another weight, status or problem", () => {
    const services = JSON.parse(JSON.stringify(one.services).replace('"weight":3', '"weight":0')) as [];
    expect(changed(() => ({ services }))).toBe(false);
    expect(changed(() => ({ status: "down" }))).toBe(false);
    expect(changed(() => ({ problems: ["rs1: …"] }))).toBe(false);
  });
});

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
      findings: [],
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
      ["rs1 192.168.7.10:80: down: weight 0 in service tcp 10.0.0.100:80, expected 1"],
    ],
    [
      "another weight",
      { nodes: { director: finds("rs2", "weight-differs", "weight 1, expected 3") } },
      "degraded",
      up,
      ["rs2: weight 1, expected 3"],
    ],
    [
      "drained on purpose",
      { lab: drained, table: [SERVICE, RS1, RS2_AT_0] },
      "healthy",
      ["up", "drained"],
      [],
    ],
    [
      "quiescent",
      { lab: quiescent, table: [SERVICE, RS1, RS2_AT_0] },
      "degraded",
      ["up", "down"],
      ["rs2 192.168.7.20:80: down: weight 0 in service tcp 10.0.0.100:80, expected 3"],
    ],
    [
      "the sorry server stands in",
      { table: [SERVICE, SORRY] },
      "sorry",
      ["down", "down"],
      [
        "service tcp 10.0.0.100:80: the sorry server stands in for all real servers",
        "rs1 192.168.7.10:80: down: weight 0 in service tcp 10.0.0.100:80, expected 1",
        "rs2 192.168.7.20:80: down: weight 0 in service tcp 10.0.0.100:80, expected 3",
      ],
    ],
    [
      "a sorry server that does not answer",
      { table: [SERVICE, SORRY], requests: [bad, bad] },
      "down",
      ["down", "down"],
      [
        "service tcp 10.0.0.100:80: the sorry server stands in for all real servers",
        "rs1 192.168.7.10:80: down: weight 0 in service tcp 10.0.0.100:80, expected 1",
        "rs2 192.168.7.20:80: down: weight 0 in service tcp 10.0.0.100:80, expected 3",
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
      [
        "rs1 192.168.7.10:80: down: weight 0 in service tcp 10.0.0.100:80, expected 1",
        "rs2 192.168.7.20:80: down: weight 0 in service tcp 10.0.0.100:80, expected 3",
        "client: could not be asked to send requests",
      ],
    ],
    [
      "a director that cannot be reached, and answers",
      {
        director: { reachable: false, ipvsSave: "" },
        nodes: { director: finds("director", "unreachable", "cannot be reached by SSH") },
      },
      "degraded",
      ["down", "down"],
      ["director: cannot be reached by SSH"],
    ],
    [
      "a script of an old configuration",
      { director: { configHash: "old" } },
      "degraded",
      up,
      ["director: its script is of another configuration than the stack's: run `scripts/lab up`"],
    ],
    ["a script whose configuration is unknown", { director: { configHash: "" } }, "healthy", up, []],
    ["static mode", { lab: stat, director: { configHash: stat.configHash } }, "healthy", up, []],
    [
      "drift on two nodes",
      {
        nodes: {
          rs1: finds("rs1", "vip-missing", "VIP missing on lo"),
          director: finds("director", "unit-inactive", "unit lvs-dr-ldirectord.service is failed"),
        },
      },
      "degraded",
      up,
      ["director: unit lvs-dr-ldirectord.service is failed", "rs1: VIP missing on lo"],
    ],
    [
      "a table that cannot be read",
      { director: { ipvsSave: "Can't initialize ipvs" } },
      "degraded",
      ["down", "down"],
      ["director: ipvsadm -Sn: not understood: Can't initialize ipvs"],
    ],
  ];

  it.each(cases)("%s", (_name, seen, status, states, problems) => {
    expect(verdict(seen)).toEqual([status, states, problems]);
  });

  it("names each fact once, whoever has seen it too", () => {
    const one: Problem = { subject: "rs1", code: "vip-missing", detail: "10.0.0.100", text: "rs1: first" };
    const seen = withProblems(assess(), [
      one,
      { ...one, text: "rs1: again" },
      { ...one, detail: "10.0.0.101" },
    ]);
    expect([seen.status, seen.problems]).toEqual(["degraded", ["rs1: first", "rs1: first"]]);
    expect(withProblems(seen, [one])).toEqual(seen);
    expect(withProblems(assess(), [])).toEqual(assess());
  });

  it("gives each status its own exit code", () => {
    expect(EXIT_CODES).toEqual({ healthy: 0, degraded: 3, sorry: 4, down: 5 });
  });
});

describe("a host whose guests have all gone", () => {
  const far = { libvirtUri: "qemu+ssh://root@far/system", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" };
  const bridges = { client: "br-client", server: "br-server" };
  const lab = parseConfig(
    { hosts: [{ bridges }, { ...far, name: "far", bridges }], accelerator: "qemu", realServerCount: 4 },
    { project: "lvs-dr", stack: "dev" },
  );
  const lost = (...names: string[]) =>
    assess({
      lab,
      nodes: Object.fromEntries(
        names.map((name) => [name, finds(name, "unreachable", "cannot be reached by SSH")]),
      ),
    });
  const silent = (health: ReturnType<typeof lost>) =>
    health.findings?.filter(({ code }) => code === "host-silent").map(({ text }) => text);

  it("is named, beside its guests", () => {
    const health = lost("rs2", "rs4");
    expect(silent(health)).toEqual([
      "far: none of its guests can be reached: rs2, rs4 (if it answers itself, `scripts/lab up` starts them)",
    ]);
    expect(health.problems).toContain("rs2: cannot be reached by SSH");
  });

  it("is not where one of them answers, nor where the lab has one host", () => {
    expect(silent(lost("rs2"))).toEqual([]);
    const one = assess({
      nodes: Object.fromEntries(
        labNodes(parseConfig({}, { project: "lvs-dr", stack: "dev" })).map(({ name }) => [
          name,
          finds(name, "unreachable", "cannot be reached by SSH"),
        ]),
      ),
    });
    expect(one.findings?.some(({ code }) => code === "host-silent")).toBe(false);
  });
});
