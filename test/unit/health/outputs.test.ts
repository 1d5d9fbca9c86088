import { XMLParser, XMLValidator } from "fast-xml-parser";
import parsePrometheus from "parse-prometheus-text-format";
import { describe, expect, it } from "vitest";
import { renderPrometheus } from "../../../health/prometheus";
import { parseTotals, readStatus, serviceCounters, tableEntries } from "../../../health/status";
import { renderStatus } from "../../../health/statusText";
import { renderCheck, renderSummary, verifyJunit } from "../../../verify/verifyText";
import { parseConfig } from "../../../model/config/config";
import { LAB, STATUS, VERIFY } from "../report/fixtures";
import { MARKED_STATUS } from "../report/marked";

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
    const families = parsePrometheus(await renderPrometheus(STATUS, "unit", "sha256:0123"));
    const values = (name: string) => families.find((family) => family.name === name)?.metrics;
    expect(values("node_ipvs_connections_total")).toEqual([{ value: "17" }]);
    // All that is in the kernel's table, as the collector has it: quiesced, sorry, and by firewall mark.
    const labels = {
      local_address: "10.0.0.100",
      local_port: "80",
      local_mark: "",
      remote_address: "192.168.7.20",
      remote_port: "80",
      proto: "TCP",
    };
    expect(values("node_ipvs_backend_weight")).toEqual([
      { value: "0", labels: { ...labels, remote_address: "192.168.7.10" } },
      { value: "3", labels },
      { value: "1", labels: { ...labels, remote_address: "127.0.0.1" } },
      {
        value: "1",
        labels: {
          ...labels,
          ...{ local_address: "", local_port: "0", local_mark: "00006978" },
          ...{ remote_address: "192.168.7.10", remote_port: "0", proto: "FWM" },
        },
      },
    ]);
    expect(values("node_ipvs_backend_connections_active")?.map(({ value }) => value)).toEqual([
      "4",
      "2",
      "0",
      "0",
    ]);
    expect(values("node_ipvs_backend_connections_inactive")?.[1]?.value).toBe("1234567");
    // No more and no fewer than node_exporter 1.x has.
    expect(
      families
        .map(({ name }) => name)
        .filter((name) => name.startsWith("node_"))
        .sort(),
    ).toEqual([
      "node_ipvs_backend_connections_active",
      "node_ipvs_backend_connections_inactive",
      "node_ipvs_backend_weight",
      "node_ipvs_connections_total",
      "node_ipvs_incoming_bytes_total",
      "node_ipvs_incoming_packets_total",
      "node_ipvs_outgoing_bytes_total",
      "node_ipvs_outgoing_packets_total",
    ]);
    expect(values("lvsdr_info")).toEqual([
      { value: "1", labels: { stack: "unit", config_hash: LAB.configHash, image_digest: "sha256:0123" } },
    ]);
    expect(values("lvsdr_health_status")).toContainEqual({ value: "1", labels: { status: "degraded" } });
    expect(values("lvsdr_real_server_up")?.map(({ value }) => value)).toEqual(["0", "1"]);
    expect(values("lvsdr_checker_last_check_seconds")).toEqual([
      { value: "1", labels: { service: "main", real_server: "rs2" } },
    ]);
    for (const { name, help, type } of families) {
      expect(help).not.toBe("");
      expect(type).toBe(name.endsWith("_total") ? "COUNTER" : "GAUGE");
    }
  });
});

describe("Prometheus text of a group of ports in both families", () => {
  it("has a series for each real server of `-f N` and of `-f N -6`, and none twice", async () => {
    const text = await renderPrometheus(MARKED_STATUS, "unit");
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const named = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(new Set(named).size).toBe(named.length);
    const values = (name: string) => parsePrometheus(text).find((family) => family.name === name)?.metrics;
    const active = values("node_ipvs_backend_connections_active");
    expect(active?.map(({ value }) => value)).toEqual(["11", "12", "21", "22", "31", "41"]);
    const group = { local_address: "", local_port: "0", local_mark: "00000050", proto: "FWM" };
    expect(active?.[0]?.labels).toEqual({ ...group, remote_address: "192.168.7.10", remote_port: "0" });
    expect(active?.[2]?.labels).toEqual({ ...group, remote_address: "fd00:7::10", remote_port: "0" });
    expect(active?.[5]?.labels).toEqual({
      ...{ local_address: "fd00:10::100", local_port: "8080", local_mark: "", proto: "TCP" },
      ...{ remote_address: "fd00:7::10", remote_port: "8080" },
    });
    const up = values("lvsdr_real_server_up")?.map(({ labels }) => Object.values(labels ?? {}).join(" "));
    expect(up).toHaveLength(8);
    expect(up).toEqual(
      expect.arrayContaining([
        "10.0.0.100 80 tcp rs1",
        "fd00:10::100 80 tcp rs1",
        "fd00:10::100 8080 tcp rs2",
      ]),
    );
    expect(values("lvsdr_sorry")).toHaveLength(4);
  });
});

describe("a director that cannot be reached", () => {
  const shell = { run: () => Promise.resolve({ code: 255, stdout: "", stderr: "no route to host" }) };
  it("has no checker that is alive, and says nothing of what it cannot know", async () => {
    const status = await readStatus(shell, LAB);
    expect(status).toMatchObject({ status: "down", table: [], counters: { total: null, services: [] } });
    const families = parsePrometheus(await renderPrometheus(status, "unit"));
    const values = (name: string) => families.find((family) => family.name === name)?.metrics;
    expect(values("lvsdr_checker_alive")).toEqual([{ value: "0" }]);
    for (const name of [
      "lvsdr_checker_checking",
      "lvsdr_checker_config_current",
      "node_ipvs_connections_total",
    ])
      expect(values(name)).toBeUndefined();
    for (const name of ["lvsdr_checker_last_check_seconds", "node_ipvs_backend_weight"])
      expect(values(name) ?? []).toEqual([]);
    expect(renderStatus(status)).toContain("ldirectord: unknown: the director could not be asked");
  });
  it("is told without what a health check logs in with", async () => {
    const [main, ...others] = LAB.services;
    const check = { ...main.check, login: "canary-login", passwd: "canary-passwd", secret: "canary-secret" };
    const status = await readStatus(shell, { ...LAB, services: [{ ...main, check }, ...others] });
    const all = [JSON.stringify(status), renderStatus(status), await renderPrometheus(status, "unit")];
    expect(all.join()).not.toContain("canary");
  });
  it("names the hosts where there are several, and what is on each", async () => {
    expect(await readStatus(shell, LAB)).not.toHaveProperty("hosts");
    const far = {
      name: "far",
      libvirtUri: "qemu+ssh://root@far/system",
      hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
    };
    const hosts = [{ underlay: "10.199.0.1" }, { ...far, underlay: "10.199.0.2" }];
    const lab = parseConfig({ hosts, accelerator: "qemu" }, { project: "lvs-dr", stack: "unit" });
    const farIsSilent = (node: string) =>
      Promise.resolve({ code: node === "rs2" ? 255 : 1, stdout: "", stderr: "" });
    const status = await readStatus({ run: farIsSilent }, lab);
    expect(status.hosts).toEqual([
      { name: "host1", guests: ["router", "client", "director", "rs1"], reachable: true },
      { name: "far", guests: ["rs2"], reachable: false },
    ]);
    expect(renderStatus(status)).toContain(
      "\n  host host1: router, client, director, rs1\n  host far: rs2, NOT reachable",
    );
    const families = parsePrometheus(await renderPrometheus(status, "unit"));
    const values = (name: string) => families.find((family) => family.name === name)?.metrics;
    expect(values("lvsdr_host_reachable")).toEqual([
      { value: "1", labels: { host: "host1" } },
      { value: "0", labels: { host: "far" } },
    ]);
    expect(values("lvsdr_guest_host")).toContainEqual({ value: "1", labels: { guest: "rs2", host: "far" } });
  });
  it("has none at all in static mode", async () => {
    const status = await readStatus(shell, { ...LAB, mode: "static" });
    expect(status.checker).toBeNull();
    expect(await renderPrometheus(status, "unit")).not.toContain("lvsdr_checker_");
  });
});

describe("the kernel's table", () => {
  it("is read with all that is in it", () => {
    const list = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.100:80 wrr
  -> 192.168.7.10:80              Route   0      4          0
  -> 127.0.0.1:80                 Route   1      0          5
`;
    const [quiesced, , sorry] = STATUS.table;
    expect(tableEntries(list)).toEqual([quiesced, sorry]);
    expect(tableEntries("?")).toEqual([]);
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
  it("are XML even where a text is just `true`", () => {
    const [check] = VERIFY.checks;
    if (!check) throw new Error("three checks");
    const evidence = { ...check.evidence, seen: "true" };
    const text = verifyJunit({ ...VERIFY, checks: [{ ...check, evidence }] });
    expect(XMLValidator.validate(text)).toBe(true);
    expect(text).toContain('message="true"');
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
