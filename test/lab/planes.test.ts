/**
 * ldirectord and keepalived as control planes: with the same configuration and the same real servers both end with the same table, that which
 * the configuration says. Configurations at random, in network namespaces of one guest (planes/bed.sh). `scripts/lab test planes` tries fifty,
 * and LVS_DR_TEST_PLANES and LVS_DR_TEST_SEED as many others.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { controlPlane } from "../../model/director/controlPlane";
import { ipvsRestoreRules } from "../../model/director/ipvs/table";
import type { Lab } from "../../model/lab/types";
import { labOf, sample, type Configuration } from "./planes/configurations";
import { kindOf, judgedTable } from "./planes/fleet";
import { writeFiles } from "./planes/files";
import { Bed, type Ended } from "./planes/guest";

const SEED = Number(process.env.LVS_DR_TEST_SEED ?? 13);
const named = process.env.LVS_DR_TEST_PLANES !== undefined;
const COUNT = Number(process.env.LVS_DR_TEST_PLANES ?? 50);
/** So many configurations at a time: each has two daemons, which an emulated processor must have time for. */
const AT_ONCE = 6;

let bed: Bed | undefined;
beforeAll(async () => {
  if (named) bed = await Bed.open(AT_ONCE);
});
afterAll(() => bed?.close());

const MODES = ["ldirectord", "keepalived"] as const;

function labs(configuration: Configuration): Record<(typeof MODES)[number], Lab> {
  const [ldirectord, keepalived] = MODES.map((mode) => labOf(configuration.raw, mode));
  if (ldirectord === undefined || keepalived === undefined)
    throw new Error("a configuration that is refused");
  return { ldirectord, keepalived };
}

/** Seconds within which every daemon has found what there is to find. */
const holdSeconds = (lab: Lab): number =>
  Math.max(
    ...lab.services.map((service) => {
      const silent = service.realServers.filter(({ name }) => kindOf(name) === "silent").length;
      return controlPlane(lab).detectionSeconds(service, silent, lab);
    }),
  );

/** Runs some configurations at once. @returns what is wrong with each */
async function tried(configurations: readonly Configuration[]): Promise<string[][]> {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-planes-"));
  let hold = 0;
  configurations.forEach((configuration, index) => {
    const both = labs(configuration);
    const place = join(directory, String(index + 1));
    const found = ipvsRestoreRules(both.ldirectord).filter(
      (rule, at) => rule.startsWith("-A") || configuration.found[at],
    );
    for (const lab of Object.values(both)) {
      writeFiles(place, lab, found);
      hold = Math.max(hold, holdSeconds(lab));
    }
    writeFileSync(
      join(place, "expected"),
      judgedTable(both.ldirectord)
        .map((line) => `${line}\n`)
        .join(""),
    );
  });
  const ended = await (bed as Bed).run(directory, hold + 4);
  rmSync(directory, { recursive: true });
  return configurations.map((configuration, index) =>
    faults(
      configuration,
      ended.filter(({ pair }) => pair === index + 1),
    ),
  );
}

function faults(configuration: Configuration, ended: readonly Ended[]): string[] {
  const expected = judgedTable(labs(configuration).ldirectord);
  return MODES.flatMap((mode) => {
    const one = ended.find((each) => each.mode === mode);
    if (one === undefined) return [`${mode}: nothing is known of it`];
    const less = expected.filter((line) => !one.table.includes(line)).map((line) => `- ${line}`);
    const more = one.table.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
    const ran = one.state === "active" && one.restarts === 0;
    return [...(ran ? [] : [`is ${one.state}, started again ${one.restarts} times`]), ...less, ...more].map(
      (line) => `${mode}: ${line}`,
    );
  });
}

const CONFIGURATIONS = sample(COUNT, SEED);
const BATCHES = CONFIGURATIONS.flatMap((_each, at) =>
  at % AT_ONCE === 0 ? [{ first: at, last: Math.min(at + AT_ONCE, COUNT) - 1 }] : [],
);

it.runIf(named).each(BATCHES)(
  `configurations $first to $last of seed ${SEED}: both planes end with the same table`,
  async ({ first, last }) => {
    const some = CONFIGURATIONS.slice(first, last + 1);
    const found = await tried(some);
    const wrong = some.flatMap(({ raw }, at) =>
      found[at]?.length === 0
        ? []
        : [{ seed: SEED, number: first + at, faults: found[at], services: raw.services }],
    );
    expect(wrong).toEqual([]);
  },
  900_000,
);
