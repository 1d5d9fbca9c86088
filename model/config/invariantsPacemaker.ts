/** What two directors under Pacemaker need: somebody with power over both. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Config } from "./schema";

/** Corosync alone locks 100 MiB. */
const MEMORY = 512;
const KEEPALIVED = "or set highAvailability.manager to keepalived";

export function checkPacemaker(findings: Findings, config: Config, draft: Draft): void {
  const { advertInterval, token } = config.highAvailability ?? {};
  const pair = draft.highAvailability;
  if (pair === undefined) return;
  const other = pair.manager === "pacemaker" ? { advertInterval } : { token };
  for (const [field, value] of Object.entries(other)) {
    if (value === undefined) continue;
    const whose = pair.manager === "pacemaker" ? "keepalived" : "pacemaker";
    const message = `is a setting of ${whose}, and highAvailability.manager is ${pair.manager}`;
    const fix = `remove it, or set the manager to ${whose}`;
    findings.add({ key: `highAvailability.${field}`, value, message, fix }, "highAvailability.manager");
  }
  if (pair.manager !== "pacemaker") return;
  const refuse = (key: string, value: unknown, message: string, fix: string): void =>
    findings.add(
      { key, value: value as string, message, fix: `${fix}, ${KEEPALIVED}` },
      "highAvailability.manager",
    );
  const { hosts } = draft;
  if (draft.arpStrategy === "static")
    refuse(
      "arpStrategy",
      "static",
      "needs a MAC that moves with the VIP, and Pacemaker's IPaddr2 has none",
      "set it to sysctl or arptables",
    );
  if (hosts.length > 1)
    refuse(
      "hosts",
      undefined,
      "are several, and Pacemaker's fencing here is by one host that has power over both directors",
      "name one",
    );
  else if (hosts[0]?.remote !== undefined)
    refuse(
      "libvirtUri",
      hosts[0].libvirtUri,
      "is on another host, and what powers a lost director off runs on this one",
      "leave it out",
    );
  draft.directors.forEach(({ ssh, memoryMiB, name }, index) => {
    if (ssh !== undefined)
      refuse(
        `directors[${index}].ssh`,
        undefined,
        `makes ${name} a machine that exists, which nobody here can power off when it is lost`,
        "let both directors be guests",
      );
    else if (memoryMiB < MEMORY)
      refuse(
        `directors[${index}].memory`,
        memoryMiB,
        `is too little for ${name}: Corosync and Pacemaker take 220 MiB, of which 100 are never given back`,
        `set it to ${MEMORY}`,
      );
  });
}
