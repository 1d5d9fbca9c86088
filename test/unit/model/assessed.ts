/** The health of a lab that is well but for what a test says. */
import { parseConfig } from "../../../model/config/config";
import {
  assessHealth,
  type ClientRequest,
  type NodeObservation,
  type Observation,
} from "../../../model/health";
import type { ProblemCode } from "../../../model/lab/problem";
import { labNodes, type Lab } from "../../../model/lab/types";

export const article = parseConfig({}, { project: "lvs-dr", stack: "dev" });
export const SERVICE = "-A -t 10.0.0.100:80 -s wrr";
export const RS1 = "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1";
export const RS2 = "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -g -w 3";
export const SORRY = "-a -t 10.0.0.100:80 -r 127.0.0.1:80 -g -w 1";
export const LIST = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.100:80 wrr
  -> 192.168.7.10:80              Route   1      2          7
  -> 192.168.7.20:80              Route   3      5          13
`;

export const good: ClientRequest = {
  ok: true,
  status: 200,
  server: "rs1",
  body: "<h1>rs1</h1>",
  seconds: 0.01,
};
export const bad: ClientRequest = { ok: false, status: 0, server: "", body: "", seconds: 3 };

export interface Seen {
  readonly lab?: Lab;
  readonly table?: readonly string[];
  readonly director?: Partial<Observation["director"]>;
  readonly nodes?: Observation["nodes"];
  readonly requests?: readonly ClientRequest[];
}

export function assess({
  lab = article,
  table = [SERVICE, RS1, RS2],
  director,
  nodes,
  requests = [good, good],
}: Seen = {}) {
  const fine = Object.fromEntries(labNodes(lab).map(({ name }) => [name, { reachable: true, problems: [] }]));
  return assessHealth(lab, {
    observedAt: "2026-01-02T03:04:05.000Z",
    director: {
      reachable: true,
      ipvsSave: table.join("\n"),
      ipvsList: LIST,
      configHash: lab.configHash,
      ...director,
    },
    nodes: { ...fine, ...nodes },
    client: { requests },
  });
}

/** What a guest that was reached says of itself, and what is the matter with one that was not. */
export function finds(subject: string, code: ProblemCode, text: string, detail = ""): NodeObservation {
  return {
    reachable: code !== "unreachable",
    problems: [{ subject, code, detail, text: `${subject}: ${text}` }],
  };
}

/** Of the same: status, states of the first service's real servers, problems. */
export function verdict(seen: Seen): unknown[] {
  const { status, services, problems } = assess(seen);
  return [status, services[0]?.realServers.map(({ state }) => state), problems];
}
