/** The verdict on two directors: who holds the VIPs by both directors' and by the wire's word, and whether the other could take over. */
import { vipHolder } from "./director/vipHolder";
import { familyOf } from "./lab/address";
import { problemOf, type Problem } from "./lab/problem";
import { vipsOf, type Lab } from "./lab/types";

export interface DirectorHealth {
  readonly name: string;
  /** active: it holds the VIPs; standby: it would take them over; fault: it could not, or cannot be asked. */
  readonly role: "active" | "standby" | "fault";
  readonly holdsVip: boolean;
  /** What IPVS' connection sync does there. */
  readonly sync: "master" | "backup" | "both" | "none" | "unknown";
  /** Whether its table is the active director's. */
  readonly table: "equal" | "differs";
  /** ISO 8601, UTC: when it last became active or standby; null where it cannot be told. */
  readonly lastTransition: string | null;
}

/** What one director says of itself. */
export interface DirectorWord {
  /** `key=value` lines of its own `lvs-dr status`; undefined for one that did not answer. */
  readonly values?: Readonly<Record<string, string>> | undefined;
  /** Text of `ipvsadm -Sn`. */
  readonly ipvsSave?: string | undefined;
}

export interface PairObservation {
  readonly directors: Readonly<Record<string, DirectorWord>>;
  /** MACs that answered for the main VIP when the router asked, lower case; undefined where it could not be asked. */
  readonly answering?: readonly string[] | undefined;
}

const SYNCS = ["master", "backup", "both", "none"] as const;

/** Name of the director that holds the VIPs by its own word; of two the one that the router's neighbours tell of. */
export function holderOf(lab: Lab, { directors, answering = [] }: PairObservation): string | undefined {
  const holders = lab.directors.filter(({ name }) => directors[name]?.values?.holdsVip === "yes");
  const heard = holders.find(
    (node) => answering[0] === vipHolder(lab).mac(lab, node, familyOf(lab.services[0].vip)),
  );
  return (heard ?? holders[0])?.name;
}

const tableOf = (word: DirectorWord | undefined): string | undefined =>
  word?.ipvsSave
    ?.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .sort()
    .join("\n");

/** @param lab its first director is the one that holds the VIPs, if one does */
export function directorsHealth(lab: Lab, { directors }: PairObservation): DirectorHealth[] {
  const active = tableOf(directors[lab.directors[0].name]);
  return lab.directors.map(({ name }) => {
    const { values = {} } = directors[name] ?? {};
    const holdsVip = values.holdsVip === "yes";
    const since = Number(values.vrrpSince);
    return {
      name,
      role: holdsVip ? "active" : values.vrrp === "BACKUP" ? "standby" : "fault",
      holdsVip,
      sync: SYNCS.find((each) => each === values.sync) ?? "unknown",
      table: active !== undefined && tableOf(directors[name]) === active ? "equal" : "differs",
      lastTransition: since > 0 ? new Date(since * 1000).toISOString() : null,
    };
  });
}

/** What a director's own script cannot know; a lab with one director has none of it. */
export function pairProblems(lab: Lab, seen: PairObservation): Problem[] {
  const [vip = ""] = vipsOf(lab);
  const all = directorsHealth(lab, seen);
  const holders = all.filter(({ holdsVip }) => holdsVip).map(({ name }) => name);
  const asked = all.filter(({ name }) => seen.directors[name]?.values !== undefined);
  const problems: Problem[] = [];
  const macs = seen.answering ?? [];
  if (holders.length > 1 || macs.length > 1) {
    const text =
      holders.length > 1
        ? `${holders.join(" and ")} both hold the VIP ${vip}` +
          (macs.length > 1 ? `, and ${macs.join(" and ")} answer for it` : "")
        : `${macs.join(" and ")} answer for the VIP ${vip}`;
    problems.push({ subject: vip, code: "split-brain", detail: "", text: `VIP ${vip}: ${text}` });
  }
  if (holders.length === 0 && asked.length > 0) {
    const words = asked.map(({ name, role }) => `${name}: ${role}`).join(", ");
    problems.push({
      subject: vip,
      code: "vip-unheld",
      detail: "",
      text: `VIP ${vip}: no director holds it (${words})`,
    });
  }
  for (const { name, table } of asked.slice(1)) {
    if (table === "equal" || holders.length === 0) continue;
    const what = `its table is not that of ${lab.directors[0].name}: after a failover others would serve`;
    problems.push(problemOf(name, "tables-differ", what));
  }
  return problems;
}
