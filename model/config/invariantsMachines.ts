/** Machines that exist: what only a guest can have, and what nobody does where a role is nobody's. */
import { endpoint } from "../lab/address";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Config } from "./schema";

/** What the lab gives a guest, and a machine has already. */
const GUESTS = ["memory", "vcpus", "mac", "clientMac", "serverMac", "gateway", "host"];

export function checkMachines(findings: Findings, config: Config, draft: Draft): void {
  const places = [
    { key: "client", fields: config.client },
    { key: "router", fields: config.router },
    { key: "director", fields: config.director },
    ...(config.directors ?? []).map((fields, index) => ({ key: `directors[${index}]`, fields })),
    ...(config.realServers ?? []).map((fields, index) => ({ key: `realServers[${index}]`, fields })),
  ].filter(({ fields }) => fields.ssh !== undefined);
  for (const { key, fields } of places) {
    const { ssh } = fields;
    const required = [
      [`${key}.ssh.hostKey`, ssh?.hostKey],
      ...(ssh?.jump
        ? ([
            [`${key}.ssh.jump.host`, ssh.jump.host],
            [`${key}.ssh.jump.hostKey`, ssh.jump.hostKey],
          ] as const)
        : []),
    ] as const;
    for (const [missing, value] of required)
      if (value === undefined) {
        const message = "is missing, and nobody else vouches for the machine";
        const fix = "write its address, and what `ssh-keyscan -t ed25519 HOST` prints after the host's name";
        findings.add({ key: missing, message, fix });
      }
    for (const field of GUESTS) {
      const value = (fields as Readonly<Record<string, unknown>>)[field];
      if (value === undefined) continue;
      const message = `is what a guest gets, and ${key}.ssh says that this is a machine that exists`;
      findings.add({ key: `${key}.${field}`, value, message, fix: `remove it, or ${key}.ssh` }, `${key}.ssh`);
    }
  }
  if (config.directors !== undefined && config.director.ssh !== undefined) {
    const message = "is given beside directors, which has the directors one by one";
    findings.add({ key: "director.ssh", message, fix: "write it as directors[0].ssh" }, "directors");
  }
  const nodes = [...draft.clients, ...draft.routers, ...draft.directors, ...draft.realServers];
  const first = new Map<string, string>();
  for (const { name, ssh } of nodes) {
    if (ssh === undefined) continue;
    const at = `${endpoint(ssh.host, ssh.port)} ${ssh.jump?.host ?? ""}`;
    const other = first.get(at);
    first.set(at, other ?? name);
    if (other === undefined) continue;
    const message = `leads to ${endpoint(ssh.host, ssh.port)} for ${name}, and for ${other} too: a machine has one role`;
    findings.add({ key: "ssh", message, fix: "give each its own machine" }, "realServers", "directors");
  }
  if (!config.absent.has("router")) return;
  if (draft.directors.length > 1) {
    const message = "judge by the router whether they are cut off, and router is false";
    findings.add({ key: "directors", message, fix: "name a router, or one director" }, "router");
  }
  if (config.arpStrategy === "static") {
    const message = "has the router keep the VIP's MAC address, and router is false";
    const fix = "choose sysctl or arptables, or name a router";
    findings.add({ key: "arpStrategy", value: "static", message, fix }, "router");
  }
}
