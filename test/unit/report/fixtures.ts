/** A lab and what was seen of it, for tests that need no running one. */
import { parseConfig } from "../../../model/config/config";
import type { Problem } from "../../../model/lab/problem";
import type { Lab } from "../../../model/lab/types";
import type { DrillResult } from "../../../drills/types";
import type { ReportData } from "../../../report/data";
import { pageLab } from "../../../report/pageLab";
import type { Status, TableEntry } from "../../../health/status";
import type { VerifyReport } from "../../../verify/verify";

export const LAB: Lab = parseConfig({}, { project: "lvs-dr", stack: "unit" });

const none = { outgoingPackets: 0, outgoingBytes: 0 };

function entry(
  address: string,
  weight: number,
  activeConnections: number,
  inactiveConnections: number,
): TableEntry {
  const service = { protocol: "tcp", vip: "10.0.0.100", port: 80 };
  return { ...service, address, serverPort: 80, weight, activeConnections, inactiveConnections };
}

const FINDINGS: readonly Problem[] = [
  {
    subject: "rs1",
    code: "server-down",
    detail: "tcp 10.0.0.100:80",
    text: "rs1 192.168.7.10:80: down: weight 0 in service tcp 10.0.0.100:80, expected 1",
  },
  { subject: "router", code: "sysctl-differs", detail: "<b>", text: "router: <b>quoted</b> & odd" },
];

export const STATUS: Status = {
  status: "degraded",
  observedAt: "2026-01-02T03:04:05.678Z",
  configHash: LAB.configHash,
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
          weight: 0,
          configuredWeight: 1,
          state: "down",
          activeConnections: 0,
          inactiveConnections: 0,
        },
        {
          name: "rs2",
          address: "192.168.7.20",
          port: 80,
          weight: 3,
          configuredWeight: 3,
          state: "up",
          activeConnections: 2,
          inactiveConnections: 1234567,
        },
      ],
    },
  ],
  problems: FINDINGS.map(({ text }) => text),
  findings: FINDINGS,
  // rs1 is quiesced, and somebody has put the sorry server in.
  table: [
    entry("192.168.7.10", 0, 4, 0),
    entry("192.168.7.20", 3, 2, 1234567),
    entry("127.0.0.1", 1, 0, 5),
    { ...entry("192.168.7.10", 1, 0, 0), protocol: "fwm", vip: "", port: 27000, serverPort: 0 },
  ],
  counters: {
    total: { connections: 17, incomingPackets: 90, incomingBytes: 4321, ...none },
    services: [
      {
        vip: "10.0.0.100",
        port: 80,
        protocol: "tcp",
        connections: 17,
        incomingPackets: 90,
        incomingBytes: 4321,
        ...none,
        realServers: [
          {
            name: "rs2",
            address: "192.168.7.20",
            port: 80,
            connections: 12,
            incomingPackets: 60,
            incomingBytes: 3210987,
            ...none,
          },
        ],
      },
    ],
  },
  detection: [{ service: "main", refused: 3, silent: 6, allSilent: 9 }],
  checker: {
    daemon: "ldirectord",
    alive: true,
    configCurrent: true,
    checking: true,
    lastCheckSeconds: { main: { rs1: null, rs2: 1 } },
    roundSeconds: { main: { configured: 1, measured: 1.4 } },
    problems: [],
  },
};

export const VERIFY: VerifyReport = {
  stack: "unit",
  configHash: LAB.configHash,
  startedAt: "2026-01-02T03:00:00.000Z",
  seconds: 21.5,
  ok: false,
  passed: 1,
  failed: 1,
  skipped: 1,
  checks: [
    {
      group: "table",
      name: "table.servers",
      title: "the table is right",
      status: "fail",
      evidence: {
        where: "director",
        command: "ipvsadm -Sn",
        seen: "rs1: missing\n-A …",
        expected: "-A <all>",
      },
      fix: "start it",
      seconds: 15.2,
      attempts: 9,
    },
    {
      group: "table",
      name: "table.sorry",
      title: "the sorry server is out",
      status: "pass",
      evidence: {
        where: "director",
        command: "ipvsadm -Sn",
        seen: "not in the table",
        expected: "not in the table",
      },
      seconds: 0.2,
      attempts: 1,
    },
    {
      group: "arp",
      name: "arp.10.0.0.100.host",
      title: "only the director answers",
      status: "skip",
      evidence: { where: "", command: "", seen: "the host has no arping", expected: "" },
      seconds: 0,
      attempts: 1,
    },
  ],
};

const requests = Array.from({ length: 100 }, (_, i): [number, number, string] => [
  i / 10,
  5,
  i >= 40 && i < 44 ? "error:refused" : i % 4 === 0 && (i < 40 || i > 80) ? "rs1" : "rs2",
]);

export const DRILL: DrillResult = {
  name: "web-server-stops",
  description: "A real server's web server stops",
  stack: "unit",
  configHash: LAB.configHash,
  startedAt: "2026-01-02T03:02:00.000Z",
  seconds: 10,
  timeScale: 2,
  verdict: "fail",
  failures: ["failed is 4, promised at most 0"],
  figures: { detectionSeconds: 1.8, failed: 4, recoverySeconds: null },
  limits: { detectionSeconds: { max: 6 }, failed: { max: 0 } },
  events: [
    { t: 0.5, what: "table: 192.168.7.10:80 weight 1, 192.168.7.20:80 weight 3", kind: "table" },
    { t: 2, what: "steady: 10 requests/s", kind: "steady" },
    { t: 4, what: "rs1's web server stops" },
    { t: 5.8, what: "table: 192.168.7.20:80 weight 3", kind: "table" },
    { t: 8, what: "rs1's web server starts" },
  ],
  load: { rate: 10, requests, retries: [], answeredBy: { rs1: 15, rs2: 81 } },
  distributions: { detectionSeconds: { n: 1, median: 1.8, worst: 1.8 } },
  runs: [],
};

export const REPORT: ReportData = {
  generatedAt: "2026-01-02T03:04:06.000Z",
  stack: "unit",
  configHash: LAB.configHash,
  image: { digest: "sha256:0123", kernel: "6.1.0-1-cloud-amd64", packages: { ipvsadm: "1:1.31" } },
  versions: { "lvs-dr": "0.1.0", node: "v20" },
  lab: pageLab(LAB),
  status: STATUS,
  verify: VERIFY,
  drills: [DRILL],
  tried: [],
};
