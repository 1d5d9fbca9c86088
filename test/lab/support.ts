/** Drives the lab the way people do: through scripts/lab. */
import { spawn } from "node:child_process";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { stringify } from "yaml";
import { StackContext } from "../../cli/stack/context";
import type { EngineChoice, StackOutputs } from "../../cli/backends/backend";
import type { Health } from "../../model/health";
import type { GuestShell } from "../../lib/ssh";
import { labNodes, type Lab } from "../../model/lab/types";

/** Traffic of the lab belongs where its bridges are: not into whatever network this machine is in. */
const NAMESPACE = "/run/netns/lvs-lab";
if (existsSync(NAMESPACE) && statSync(NAMESPACE).ino !== statSync("/proc/self/ns/net").ino) {
  throw new Error("the lab's guests are in another network namespace: run scripts/lab test lab");
}

/** The stack that all files share; 00-up makes it, 99-down ends it. */
export const STACK = process.env.LVS_DR_TEST_STACK ?? "t1";
/** Which engine this run is about. */
export const ENGINE = (process.env.LVS_DR_TEST_ENGINE ?? "embedded") as EngineChoice;

/** Subnets of the test's own, beside whatever else is on this host. */
const SUBNETS = [
  "172.29.0.0/16 192.168.107.0/24",
  "172.30.0.0/16 192.168.108.0/24",
  "172.31.0.0/16 192.168.109.0/24",
];

/** The shared stack's configuration that this file has written last, and the one of its last successful `up`. */
let configured: string | undefined;
let inForce: string | undefined;

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface Started {
  readonly pid: number;
  readonly done: Promise<Run>;
  /** Waits for a line on stderr; fails when the command ends without it. */
  printed(line: RegExp): Promise<void>;
}

/** Starts `scripts/lab ARGS --stack STACK`; for tests that interfere with it. */
export function start(args: readonly string[], stack = STACK): Started {
  const begin = Date.now();
  const [command = "", ...rest] = args;
  const engine = ["up", "down", "preview"].includes(command) ? ["--engine", ENGINE] : [];
  const child = spawn("scripts/lab", [command, "--stack", stack, ...engine, ...rest], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const printed = (line: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => (line.test(stderr) ? resolve() : undefined);
      child.stderr.on("data", look);
      child.on("close", () => reject(new Error(`${args.join(" ")} ended without ${line}:\n${stderr}`)));
      look();
    });
  const done = new Promise<Run>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr, seconds: (Date.now() - begin) / 1000 }));
  });
  return { pid: child.pid ?? 0, done, printed };
}

/** Starts a command and, as soon as it has printed `line`, sends a signal to its whole group, as a terminal would. */
export async function interrupt(
  args: readonly string[],
  line: RegExp,
  signal: NodeJS.Signals,
  stack = STACK,
): Promise<Run> {
  const { pid, printed, done } = start(args, stack);
  await printed(line);
  process.kill(-pid, signal);
  return done;
}

/** How `up` and `down` say that a resource has been made, or deleted, whichever engine did it; `name` may be a pattern. */
export const made = (type: string, name: string): RegExp => new RegExp(`create +${type} ${name} `);
export const gone = (type: string, name: string): RegExp => new RegExp(`delete +${type} ${name} `);

/** Runs a command to its end, whatever that is. */
export function run(args: readonly string[], stack = STACK): Promise<Run> {
  return start(args, stack).done;
}

/** Runs a command that must succeed. */
export async function lab(args: readonly string[], stack = STACK): Promise<Run> {
  const result = await run(args, stack);
  if (result.code !== 0) {
    throw new Error(
      `scripts/lab ${args.join(" ")} ended with ${result.code}:\n${result.stderr.slice(-4000)}`,
    );
  }
  if (args[0] === "up" && stack === STACK) inForce = configured;
  return result;
}

/** Fails where a check does. @param groups without any, all of them */
export async function verified(stack: string, ...groups: readonly string[]): Promise<void> {
  const { code, stdout } = await run(["verify", ...groups], stack);
  expect({ code, failed: stdout.match(/^FAIL.*(\n {7}.*)*/gm) ?? [] }).toEqual({ code: 0, failed: [] });
}

/** Fails where a drill does. @param args names, without any the article's own; and options @returns what was said */
export async function drilled(stack: string, ...args: readonly string[]): Promise<string> {
  const { code, stderr } = await run(["drill", ...args], stack);
  if (code !== 0) console.log(stderr);
  expect({ code, failures: stderr.match(/^ +! .*/gm) ?? [] }).toEqual({ code: 0, failures: [] });
  return stderr;
}

/** What `up` says it did: "0 create, 1 update, ..." as numbers; absent operations are 0. */
export function changes({
  stderr,
}: Run): Record<"create" | "update" | "replace" | "delete" | "same", number> {
  const line = /^up in [\d.]+ s: (.*)$/m.exec(stderr)?.[1];
  if (line === undefined) throw new Error(`up did not say what it did:\n${stderr.slice(-2000)}`);
  const counts = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  for (const [, count, op] of line.matchAll(/(\d+) (\w+)/g))
    counts[op as keyof typeof counts] = Number(count);
  return counts;
}

/** Writes the stack's configuration: subnets of slot `slot` and whatever a test adds. */
export function configure(config: Readonly<Record<string, unknown>> = {}, stack = STACK, slot = 0): void {
  const [client = "", server = ""] = (SUBNETS[slot] ?? "").split(" ");
  const all = { clientNetwork: { cidr: client }, serverNetwork: { cidr: server }, ...config };
  const entries = Object.entries(all).map(([key, value]) => [`lvs-dr:${key}`, value]);
  const text = stringify({ config: Object.fromEntries(entries) });
  writeFileSync(`Pulumi.${stack}.yaml`, text);
  if (stack === STACK) configured = text;
}

/** The default configuration again; an `up` only where another one may be in force. */
export async function backToDefaults(): Promise<void> {
  configure();
  if (inForce !== configured) await lab(["up"]);
}

export function unconfigure(stack = STACK): void {
  rmSync(`Pulumi.${stack}.yaml`, { force: true });
}

export function context(stack = STACK): StackContext {
  return new StackContext({ stack, engine: ENGINE });
}

export async function outputs(stack = STACK): Promise<StackOutputs> {
  return (await context(stack).built()).outputs;
}

/** The lab as it was applied. */
export async function applied(stack = STACK): Promise<Lab> {
  return (await context(stack).built()).access.lab;
}

/** Commands in the guests of the shared stack. */
export function inGuests<T>(work: (shell: GuestShell, lab: Lab) => Promise<T>, stack = STACK): Promise<T> {
  return context(stack).withGuests(work);
}

/** Which boot of each guest this is: one that was rebooted or made anew has another. */
export function boots(stack = STACK): Promise<Record<string, string>> {
  return inGuests(
    async (shell, lab) =>
      Object.fromEntries(
        await Promise.all(
          labNodes(lab).map(async ({ name }) => [
            name,
            (await shell.check(name, "cat /proc/sys/kernel/random/boot_id")).trim(),
          ]),
        ),
      ) as Record<string, string>,
    stack,
  );
}

/** Reboots some, and waits until all of the lab is as it should be again, without an `up`. */
export async function reboot(nodes: readonly string[], stack = STACK): Promise<void> {
  const before = await boots(stack);
  const order = "systemctl reboot --no-block; sleep 1";
  await inGuests((shell) => Promise.all(nodes.map((node) => shell.run(node, order, { timeout: 15 }))), stack);
  await eventually(180, async () => {
    const { code, stdout } = await run(["status", "--json"], stack);
    expect([code, (JSON.parse(stdout) as Health).problems]).toEqual([0, []]);
    const now = await boots(stack);
    for (const node of nodes) expect(now[node], `${node} has not booted`).not.toBe(before[node]);
  });
  const failed = "systemctl list-units --failed --no-legend";
  for (const node of nodes) expect(await guest(node, failed, stack), `${node}'s units`).toBe("");
}

/** One command in one guest, which must succeed. */
export function guest(node: string, command: string, stack = STACK): Promise<string> {
  return inGuests((shell) => shell.check(node, command, { timeout: 120 }), stack);
}

/** The health as `status` tells it. */
export async function health(stack = STACK): Promise<Health> {
  return JSON.parse((await run(["status", "--json"], stack)).stdout) as Health;
}

/** Asks until the answer is right; the last error is the test's when `seconds` have passed. */
export async function eventually<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((again) => setTimeout(again, 500));
    }
  }
}
