/** `scripts/lab test`: every suite, and one closing line over all of them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { chooseDrills } from "../../drills/catalogue";
import { pulumiOnPath } from "../backends/pulumi/install";
import { closingLines, failedAltogether, shellTally, vitestTally, type Tally } from "./tally";
import { say } from "../terminal";

const REPORTS = ".lab/test-results";

/** Where a suite's words go: file descriptors, since children write there too. */
interface Output {
  readonly out: number;
  readonly err: number;
}
const OURS: Output = { out: 1, err: 2 };

/** Runs a command to its end, in reach of the terminal's Ctrl-C. */
async function run(
  { out, err }: Output,
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  const child = spawn(file, args, { stdio: ["ignore", out, err], env: { ...process.env, ...env } });
  const [code] = (await once(child, "close").catch((error: Error) => {
    writeSync(err, `${error.message}\n`);
    return [1];
  })) as [number | null];
  return code ?? 1;
}

/** The services suite makes namespaces, which only root may. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ["sudo", "--", "env", `PATH=${process.env.PATH}`];

/** One vitest run; a run that left no report has failed, whatever it printed. */
async function vitest(
  output: Output,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  prefix: readonly string[] = [],
): Promise<Tally> {
  const report = join(REPORTS, `${name}.json`);
  mkdirSync(REPORTS, { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`];
  const [file = "", ...rest] = [...prefix, "node_modules/.bin/vitest", "run", ...args, ...reporters];
  const status = await run(output, file, rest, env);
  if (!existsSync(report))
    return failedAltogether(name, `vitest left no report, and ended with status ${status}`);
  return vitestTally(name, readFileSync(report, "utf8"), status);
}

/** Directories of source, of which each may import only some others. */
const ROOMS = "cli components drills engine failover health lib model packages program report verify".split(
  " ",
);

/** Types, lint, the arrows between the rooms, format, and what is generated: each is one test. */
async function staticChecks(output: Output): Promise<Tally> {
  const checks: [string, string[]][] = [
    ["tsc", ["--noEmit"]],
    ["eslint", ["."]],
    ["depcruise", ["--config", ".dependency-cruiser.cjs", "index.ts", ...ROOMS]],
    ["prettier", ["--check", "--log-level", "warn", "."]],
    ["tsx", ["tools/generate.ts", "--check"]],
  ];
  const failures: string[] = [];
  for (const [tool, args] of checks) {
    const status = await run(output, `node_modules/.bin/${tool}`, args);
    writeSync(output.err, `${status === 0 ? "ok" : "FAILED"}: ${tool} ${args.join(" ")}\n`);
    if (status !== 0) failures.push(`static: ${tool}`);
  }
  return { passed: checks.length - failures.length, failed: failures.length, skipped: 0, failures };
}

async function shell(output: Output): Promise<Tally> {
  const file = join(REPORTS, "shell.txt");
  mkdirSync(REPORTS, { recursive: true });
  const status = await run(output, "bash", ["-o", "pipefail", "-c", `test/shell/run.sh | tee ${file}`]);
  return shellTally(readFileSync(file, "utf8"), status);
}

/** Lab tests with stacks of their own, which need not wait for the shared one's. */
const APART = ["test/lab/cloudImage.test.ts", "test/lab/remote.test.ts", "test/lab/takeover.test.ts"];
const EXAMPLES = "test/lab/examples.test.ts";
/** examples/existing.yaml, on machines of the test's own. */
const MACHINES = "test/lab/machines.test.ts";
/** Both control planes in a guest of the test's own: by name alone. */
const PLANES = "test/lab/planes.test.ts";
/** Clients of TLS, MySQL and IPv6 under each change of a director: by name alone. */
const OPERATIONS = "test/lab/operations.test.ts";
/** Of imported files: previewed with the examples, built by name alone. */
const REHEARSAL = "test/lab/rehearsal.test.ts";
/** A second host for libvirt, and stacks on both. */
const HOSTS = ["hosts", "severalHosts", "firstHost", "siteBridges"].map((name) => `test/lab/${name}.test.ts`);

/**
 * The whole suite on the embedded engine, and the acceptance part on Pulumi too where there is one.
 * @param drills those beside the article's
 * @param args further ones for the first run
 */
async function labSuites(
  output: Output,
  drills: readonly string[],
  args: readonly string[] = [],
): Promise<Tally[]> {
  say("lab suite on the embedded engine");
  const env = { LVS_DR_TEST_ENGINE: "embedded", LVS_DR_TEST_DRILLS: drills.join(",") };
  const embedded = await vitest(output, "lab-embedded", ["--project", "lab", ...args], env);
  if (!pulumiOnPath()) {
    say("skipped: the acceptance suite on Pulumi (no `pulumi` on PATH)");
    return [embedded, { passed: 0, failed: 0, skipped: 1, failures: [] }];
  }
  say("acceptance suite on Pulumi");
  const acceptance = ["--project", "lab", "test/lab/00", "test/lab/acceptance", "test/lab/99"];
  return [embedded, await vitest(output, "lab-pulumi", acceptance, { LVS_DR_TEST_ENGINE: "pulumi" })];
}

function services(output: Output): Promise<Tally> {
  return vitest(output, "services", ["--project", "services"], {}, AS_ROOT);
}

/** @param names without any, all of them */
function examples(output: Output, names: readonly string[]): Promise<Tally> {
  const known = readdirSync("examples").flatMap((file) => /^(.*)\.yaml$/.exec(file)?.[1] ?? []);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`there is no examples/${unknown}.yaml; there are ${known.join(", ")}`);
  const env = { LVS_DR_TEST_EXAMPLES: (names.length === 0 ? known : names).join(",") };
  return vitest(output, "examples", ["--project", "lab", EXAMPLES, MACHINES], env);
}

/** @param names what a suite was told to run, where it can be */
type Suite = (output: Output, names: readonly string[]) => Promise<Tally | Tally[]>;

/** vitest's own number of workers, one fewer than processors, leaves two half idle. */
const WORKERS = `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`;

const SUITES: Readonly<Record<string, Suite>> = {
  static: staticChecks,
  unit: (output) => vitest(output, "unit", ["--project", "unit", WORKERS]),
  process: (output) => vitest(output, "process", ["--project", "process", WORKERS]),
  shell,
  services,
  lab: (output, drills) => labSuites(output, drills),
  examples,
  planes: (output) => vitest(output, "planes", ["--project", "lab", PLANES], { LVS_DR_TEST_PLANES: "50" }),
  hosts: (output) => vitest(output, "hosts", ["--project", "lab", ...HOSTS], { LVS_DR_TEST_HOSTS: "yes" }),
  operations: (output) =>
    vitest(output, "operations", ["--project", "lab", OPERATIONS, REHEARSAL], {
      LVS_DR_TEST_OPERATIONS: "yes",
    }),
};

/** Runs suites one after the other. */
async function inTurn(suites: readonly string[], names: readonly string[] = []): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (const suite of suites) {
    say(`== ${suite}`);
    tallies.push(...[(await SUITES[suite]?.(OURS, names)) ?? []].flat());
  }
  return tallies;
}

/** Runs a suite beside others that write to our own output: what it says is shown when they are through. */
async function aside(
  name: string,
  suite: (output: Output) => Promise<Tally | Tally[]>,
  shownAfter: Promise<unknown>,
): Promise<Tally[]> {
  mkdirSync(REPORTS, { recursive: true });
  const file = join(REPORTS, `${name}.txt`);
  const descriptor = openSync(file, "w");
  const tallies = [await suite({ out: descriptor, err: descriptor })].flat();
  closeSync(descriptor);
  await shownAfter;
  process.stdout.write(`== ${name}\n`);
  process.stdout.write(readFileSync(file));
  return tallies;
}

/** Every suite. That of the services and that of the lab's other stacks mostly wait, for health checks and for guests that boot. */
async function everything(): Promise<Tally[]> {
  const quick = await inTurn(["unit", "process"]);
  // One processor is enough for the one, and the other waits for guests.
  const written = inTurn(["static"]);
  quick.push(...(await Promise.all([written, aside("shell", shell, written)])).flat());
  const served = aside("services", services, Promise.resolve());
  // One stack at a time: with all of them at once the services' checks came too late on a slow machine.
  const apart = (output: Output): Promise<Tally> =>
    vitest(output, "lab-apart", ["--project", "lab", ...APART]);
  const tallies = (await Promise.all([served, aside("lab-apart", apart, served)])).flat();
  // What guests do while they are verified would keep the services' checks waiting.
  say("== lab-examples");
  tallies.push(await vitest(OURS, "lab-examples", ["--project", "lab", EXAMPLES, REHEARSAL]));
  say("== lab");
  const excluded = [...APART, EXAMPLES, MACHINES, PLANES, OPERATIONS, REHEARSAL, ...HOSTS].flatMap((file) => [
    "--exclude",
    file,
  ]);
  return [...quick, ...tallies, ...(await labSuites(OURS, [], excluded))];
}

export const SUITE_NAMES = Object.keys(SUITES);

export interface TestOptions {
  /** Drills that the lab suite runs beside the article's own, or examples that are built. */
  readonly names?: readonly string[];
  /** All drills. */
  readonly all?: boolean;
}

/**
 * Runs one suite or all; true when nothing failed and something ran.
 * @throws Error for drills or examples that are not known, before anything runs
 */
export async function runTests(
  suite?: string,
  { names = [], all = false }: TestOptions = {},
): Promise<boolean> {
  const chosen =
    suite === "examples" || (names.length === 0 && !all)
      ? names
      : chooseDrills(names, all).map((each) => each.name);
  if (chosen.length > 0 && suite !== "lab" && suite !== "examples")
    throw new Error("drills are part of the lab suite: scripts/lab test lab [DRILL…] [--all]");
  const tallies = await (suite === undefined ? everything() : inTurn([suite], chosen));
  process.stdout.write(closingLines(tallies));
  return tallies.every(({ failed }) => failed === 0) && tallies.some(({ passed }) => passed > 0);
}
