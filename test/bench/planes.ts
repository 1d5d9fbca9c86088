/**
 * node --import tsx test/bench/planes.ts [COUNT…]: what ldirectord and keepalived cost as control planes of one service with that many real servers
 * (2, 8 and 16 if none is named), and how soon they find what is dead: one server that refuses, and half of them silent. In network namespaces of
 * one guest (test/lab/planes/bed.sh), one daemon at a time, with the checks' default intervals. Prints the table of docs/explanation/keepalived.md.
 * Run it as root, on a machine that does nothing else: it takes about a quarter of an hour without KVM.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ipvsRestoreRules } from "../../model/director/ipvs/table";
import type { DirectorMode } from "../../model/lab/types";
import { labOf } from "../lab/planes/configurations";
import { writeFiles } from "../lab/planes/files";
import { FLEET, judgedTable, NETWORKS } from "../lab/planes/fleet";
import { Bed } from "../lab/planes/guest";

/** Seconds over which a daemon that finds all well is watched. */
const WATCHED = 60;
const REPEATS = 5;

/** One VIP, of one family: with another one, each server is checked twice. */
const IPV4 = {
  clientNetwork: { cidr: NETWORKS.clientNetwork.cidr },
  serverNetwork: { cidr: NETWORKS.serverNetwork.cidr },
  vipCidr: NETWORKS.vipCidr,
  vip: NETWORKS.vip,
  director: { address: "192.168.31.130" },
};

/** Lowest, median and highest. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].join(" / ");
}

/** @returns the table's row */
async function measured(bed: Bed, count: number, mode: DirectorMode): Promise<string> {
  const servers = FLEET.filter(({ kind }) => kind === "good").slice(0, count);
  const realServers = servers.map(({ name, address }) => ({ name, address }));
  const lab = labOf({ ...IPV4, realServers }, mode);
  if (lab === undefined) throw new Error(`${count} real servers: refused`);
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-planes-"));
  writeFiles(join(directory, "1"), lab, ipvsRestoreRules(lab));
  writeFileSync(
    join(directory, "1", "expected"),
    judgedTable(lab)
      .map((line) => `${line}\n`)
      .join(""),
  );
  const [ended] = await bed.run(directory, 10);
  rmSync(directory, { recursive: true });
  if (ended?.state !== "active" || ended.table.join() !== judgedTable(lab).join())
    throw new Error(`${mode} with ${count} real servers is ${ended?.state}: ${ended?.table.join("; ")}`);
  const [, , busy] = (await bed.inside(`bed.sh cost ${WATCHED}`)).trim().split(" ");
  const found = async (what: string, some: number): Promise<string> => {
    const values: number[] = [];
    while (values.length < REPEATS) {
      await sleep(1000 * lab.services[0].check.checkinterval * Math.random());
      const addresses = servers.slice(-some).map(({ address }) => address);
      values.push(Number(await bed.inside(`bed.sh dead ${what} ${addresses.join(" ")}`)));
    }
    return spread(values);
  };
  const row = [
    ...[count, mode, ((100 * Number(busy)) / WATCHED).toFixed(1)],
    ...[await found("refused", 1), `${count / 2}: ${await found("silent", count / 2)}`],
  ];
  await bed.inside("bed.sh end");
  return `| ${row.join(" | ")} |`;
}

async function main(counts: readonly number[]): Promise<void> {
  const bed = await Bed.open(1);
  try {
    console.log(
      "| real servers | plane | of a processor, % | one refuses: out after, s | so many are silent: all out after, s |",
    );
    console.log("| --- | --- | --- | --- | --- |");
    for (const count of counts)
      for (const mode of ["ldirectord", "keepalived"] as const) console.log(await measured(bed, count, mode));
  } finally {
    await bed.close();
  }
}

const named = process.argv.slice(2).map(Number);
void main(named.length > 0 ? named : [2, 8, 16]);
