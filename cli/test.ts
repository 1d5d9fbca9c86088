/** `scripts/lab test`: every suite, and one closing line over all of them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { chooseDrills } from "../verify/drill/catalogue";
import { pulumiOnPath } from "./backend";
import { say } from "./terminal";

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const REPORTS = ".lab/test-results";

/** Runs a command with its output on ours. */
function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): number {
  const { status } = spawnSync(file, args, { stdio: ["ignore", 1, 2], env: { ...process.env, ...env } });
  return status ?? 1;
}

/** The services suite makes namespaces, which only root may. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ["sudo", "--", "env", `PATH=${process.env.PATH}`];

/** One vitest run; a run that left no report has failed, whatever it printed. */
function vitest(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  prefix: readonly string[] = [],
): Tally {
  const report = join(REPORTS, `${name}.json`);
  mkdirSync(REPORTS, { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`];
  const [file = "", ...rest] = [...prefix, "node_modules/.bin/vitest", "run", ...args, ...reporters];
  const status = run(file, rest, env);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, "utf8"),
  ) as Record<string, number>;
  const failed = numFailedTests ?? 0;
  return {
    passed: numPassedTests ?? 0,
    // A file that could not be loaded has no tests that fail.
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: (numPendingTests ?? 0) + (numTodoTests ?? 0),
  };
}

/** Types, lint and format: each is one test. */
function staticChecks(): Tally {
  const checks: [string, string[]][] = [
    ["tsc", ["--noEmit"]],
    ["eslint", ["."]],
    ["prettier", ["--check", "--log-level", "warn", "."]],
  ];
  const failed = checks.filter(([tool, args]) => {
    const status = run(`node_modules/.bin/${tool}`, args);
    say(`${status === 0 ? "ok" : "FAILED"}: ${tool} ${args.join(" ")}`);
    return status !== 0;
  }).length;
  return { passed: checks.length - failed, failed, skipped: 0 };
}

function shell(): Tally {
  const { status, stdout } = spawnSync("test/shell/run.sh", {
    stdio: ["ignore", "pipe", 2],
    encoding: "utf8",
  });
  process.stdout.write(stdout);
  const [, passed, failed, skipped] = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(stdout) ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return {
    passed: Number(passed),
    failed: Math.max(Number(failed), status === 0 ? 0 : 1),
    skipped: Number(skipped),
  };
}

/**
 * The whole suite on the embedded engine, and the acceptance part on Pulumi too where there is one.
 * @param drills those beside the article's
 */
function labSuites(drills: readonly string[]): Tally[] {
  say("lab suite on the embedded engine");
  const env = { LVS_DR_TEST_ENGINE: "embedded", LVS_DR_TEST_DRILLS: drills.join(",") };
  const tallies = [vitest("lab-embedded", ["--project", "lab"], env)];
  if (pulumiOnPath()) {
    say("acceptance suite on Pulumi");
    tallies.push(
      vitest("lab-pulumi", ["--project", "lab", "test/lab/00", "test/lab/acceptance", "test/lab/99"], {
        LVS_DR_TEST_ENGINE: "pulumi",
      }),
    );
  } else {
    say("skipped: the acceptance suite on Pulumi (no `pulumi` on PATH)");
    tallies.push({ passed: 0, failed: 0, skipped: 1 });
  }
  return tallies;
}

const SUITES: Readonly<Record<string, (drills: readonly string[]) => Tally[]>> = {
  static: () => [staticChecks()],
  // Some of them wait for other processes: vitest's own number, one fewer than processors, leaves two half idle.
  unit: () => [
    vitest("unit", ["--project", "unit", `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`]),
  ],
  shell: () => [shell()],
  services: () => [vitest("services", ["--project", "services"], {}, AS_ROOT)],
  lab: labSuites,
};

export const SUITE_NAMES = Object.keys(SUITES);

export interface TestOptions {
  /** Names of drills that the lab suite runs beside the article's own. */
  readonly drills?: readonly string[];
  /** All of them. */
  readonly all?: boolean;
}

/**
 * Runs one suite or all; true when nothing failed and something ran.
 * @throws Error for drills that are not known, before anything runs
 */
export function runTests(suite?: string, { drills = [], all = false }: TestOptions = {}): boolean {
  const chosenDrills = drills.length === 0 && !all ? [] : chooseDrills(drills, all).map((each) => each.name);
  if (chosenDrills.length > 0 && suite !== "lab")
    throw new Error("drills are part of the lab suite: scripts/lab test lab [DRILL…] [--all]");
  const chosen = suite === undefined ? SUITE_NAMES : [suite];
  const tallies = chosen.flatMap((name) => {
    say(`== ${name}`);
    return SUITES[name]?.(chosenDrills) ?? [];
  });
  const sum = (key: keyof Tally): number => tallies.reduce((total, tally) => total + tally[key], 0);
  process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped\n`);
  return sum("failed") === 0 && sum("passed") > 0;
}
