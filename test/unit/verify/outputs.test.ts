import { XMLParser } from "fast-xml-parser";
import parsePrometheus from "parse-prometheus-text-format";
import { describe, expect, it } from "vitest";
import { renderPrometheus } from "../../../verify/prometheus";
import { parseTotals, serviceCounters } from "../../../verify/status";
import { renderStatus } from "../../../verify/statusText";
import { renderCheck, renderSummary, verifyJunit } from "../../../verify/verifyText";
import { LAB, STATUS, VERIFY } from "./fixtures";

describe("counters", () => {
  it("reads the kernel's hexadecimal totals", () => {
    const text = `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
      48      1A4      185             71C4             A178

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       0        0        0                1                2`;
    expect(parseTotals(text)).toEqual({
      connections: 0x48,
      incomingPackets: 0x1a4,
      outgoingPackets: 0x185,
      incomingBytes: 0x71c4,
      outgoingBytes: 0xa178,
    });
    expect(parseTotals("")).toBeNull();
  });
  it("reads ipvsadm's, by server, and leaves out who is not in the table", () => {
    const stats = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  10.0.0.100:80                     506     2652        0   191532        0
  -> 192.168.7.20:80                   379     1980        0   143000        0
`;
    const [service] = serviceCounters(LAB, stats);
    expect(service).toMatchObject({ connections: 506, incomingBytes: 191532 });
    expect(service?.realServers.map(({ name, connections }) => [name, connections])).toEqual([["rs2", 379]]);
  });
});

describe("Prometheus text", () => {
  it("parses, with node_exporter's names and labels", async () => {
    const families = parsePrometheus(await renderPrometheus(STATUS, "unit"));
    const values = (name: string) => families.find((family) => family.name === name)?.metrics;
    expect(values("node_ipvs_connections_total")).toEqual([{ value: "17" }]);
    // rs1 is out of the table: the collector would not list it either.
    expect(values("node_ipvs_backend_weight")).toEqual([
      {
        value: "3",
        labels: {
          local_address: "10.0.0.100",
          local_port: "80",
          local_mark: "",
          remote_address: "192.168.7.20",
          remote_port: "80",
          proto: "TCP",
        },
      },
    ]);
    expect(values("lvsdr_health_status")).toContainEqual({ value: "1", labels: { status: "degraded" } });
    expect(values("lvsdr_real_server_up")?.map(({ value }) => value)).toEqual(["0", "1"]);
    expect(values("lvsdr_checker_last_check_seconds")).toEqual([
      { value: "1", labels: { real_server: "rs2" } },
    ]);
    for (const { name, help, type } of families) {
      expect(help).not.toBe("");
      expect(type).toBe(name.endsWith("_total") ? "COUNTER" : "GAUGE");
    }
  });
});

describe("verify's texts", () => {
  const [failed, passed, skipped] = VERIFY.checks;
  it("give a pass one line, and a failure its evidence and fix", () => {
    if (!failed || !passed || !skipped) throw new Error("three checks");
    expect(renderCheck(passed)).toBe("ok   the sorry server is out (table.sorry)");
    expect(renderCheck(skipped)).toBe("skip only the director answers: the host has no arping");
    expect(renderCheck(failed)).toBe(
      `FAIL the table is right (table.servers, 9 looks in 15.2 s)
       on       director
       command  ipvsadm -Sn
       seen     rs1: missing
                -A …
       expected -A <all>
       fix      start it`,
    );
    expect(renderSummary(VERIFY)).toMatch(/^NOT verified: 1 passed, 1 failed, 1 skipped in 21.5 s/);
  });
  it("are JUnit for CI, whatever a guest has printed", () => {
    const odd = {
      ...VERIFY,
      checks: VERIFY.checks.map((check) => ({ ...check, title: '<odd> & \u0007 "title"' })),
    };
    const parsed = new XMLParser({ ignoreAttributes: false, parseAttributeValue: false }).parse(
      verifyJunit(odd),
    ) as {
      testsuites: Record<string, unknown> & { testsuite: { testcase: unknown }[] };
    };
    expect(parsed.testsuites).toMatchObject({ "@_tests": "3", "@_failures": "1", "@_skipped": "1" });
    expect(JSON.stringify(parsed)).toContain("fix      start it");
    expect(verifyJunit(odd)).not.toContain("\u0007");
  });
});

it("status reads as people talk", () => {
  const text = renderStatus(STATUS);
  expect(text).toContain(
    "ldirectord: alive, configuration current, checking (last: rs1 unknown, rs2 1 s ago)",
  );
  expect(text).toContain("3 s when a server refuses, 6 s when it is silent, 9 s when all are");
  expect(text).toContain("rs2      12 connections, 60 packets, 3.1 MiB in");
});
