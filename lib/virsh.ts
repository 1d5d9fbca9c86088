/** One way to run virsh, for the commands and for the embedded engine. */
import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import { exec as realExec, type Exec } from "./process";

/** What virsh says of a thing that is not there, or that went between look-up and use. */
const MISSING = {
  domain: /failed to get domain|Domain not found/i,
  network: /failed to get network|Network not found/i,
  pool: /failed to get pool|Storage pool not found/i,
  volume: /failed to get vol|Storage volume not found|No such file or directory/i,
} as const;

/** Its message is libvirt's own words. */
export class VirshError extends Error {}

/** Whether it failed because the thing is not there. */
export function isMissing(kind: keyof typeof MISSING, error: unknown): boolean {
  return error instanceof VirshError && MISSING[kind].test(error.message);
}

/** sshd drops connections when more than ten (MaxStartups) wait for their login at a time. */
const remote = pLimit(4);

/**
 * Runs one virsh command; on another host at most four at a time.
 * @returns its output without white space at its end
 * @throws VirshError
 */
export async function virsh(
  uri: string,
  args: readonly string[],
  { exec = realExec, signal }: { readonly exec?: Exec; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const options = { env: { ...process.env, LC_ALL: "C" }, ...(signal && { signal }) };
  const run = (): ReturnType<Exec> => exec("virsh", ["-q", "-c", uri, ...args], options);
  const { code, stdout, stderr } = await (uri.includes("+ssh:") ? remote(run) : run());
  if (code === 0) return stdout.trimEnd();
  const words = stderr
    .trim()
    .replace(/^error: /gm, "")
    .replace(/\n+/g, ": ");
  const denied = /Permission denied|authentication unavailable/.test(words);
  const hint = denied ? " (is this user in the group libvirt?)" : "";
  throw new VirshError(`${words || `virsh ended with status ${code}`}${hint}`);
}

/** Runs a virsh command at the libvirt that it knows. */
export type Ask = (...args: string[]) => Promise<string>;

/** The answer; undefined where the thing is not there. */
export async function askOrMissing(
  ask: Ask,
  kind: keyof typeof MISSING,
  ...args: string[]
): Promise<string | undefined> {
  return ask(...args).catch((error: unknown) => {
    if (isMissing(kind, error)) return undefined;
    throw error;
  });
}

export const domainState = (ask: Ask, domain: string): Promise<string | undefined> =>
  askOrMissing(ask, "domain", "domstate", domain);

/** Takes a domain's power; nothing is done to one that has none. */
export async function powerOff(ask: Ask, domain: string): Promise<void> {
  if ((await domainState(ask, domain)) === "shut off") return;
  await ask("destroy", domain).catch(async (error: unknown) => {
    // It may have ended by itself meanwhile, or just have been undefined.
    if (![undefined, "shut off"].includes(await domainState(ask, domain))) throw error;
  });
}

/** Gives a domain power. @returns whether it had none */
export async function powerOn(ask: Ask, domain: string): Promise<boolean> {
  return ask("start", domain).then(
    () => true,
    async (error: unknown) => {
      if ([undefined, "shut off", "crashed"].includes(await domainState(ask, domain))) throw error;
      return false;
    },
  );
}

const SHUTDOWN_MS = 30_000;
const POLL_MS = 500;

/**
 * Asks a running guest to shut down, and takes its power when it does not within 30 s.
 * @param signal ends the waiting, by an error
 */
export async function shutDown(ask: Ask, domain: string, signal?: AbortSignal): Promise<void> {
  await ask("shutdown", domain);
  const deadline = Date.now() + SHUTDOWN_MS;
  while (Date.now() < deadline && (await domainState(ask, domain)) !== "shut off")
    await sleep(POLL_MS, undefined, signal && { signal });
  await powerOff(ask, domain);
}
