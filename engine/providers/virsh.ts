import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Properties } from "../../lib/properties";
import { shellWord } from "../../lib/text";
import type { Context, Provider } from "./provider";

/** libvirt's four kinds of things here, each with virsh's word for it and its messages for "no such thing". */
export const KINDS = {
  domain: { uuid: "domuuid", missing: /failed to get domain|Domain not found/i },
  network: { uuid: "net-uuid", missing: /failed to get network|Network not found/i },
  pool: { uuid: "pool-uuid", missing: /failed to get pool|Storage pool not found/i },
  volume: {
    uuid: "vol-key",
    missing: /failed to get vol|Storage volume not found|No such file or directory/i,
  },
} as const;

export class VirshError extends Error {}

export const uriOf = (context: Context): string =>
  typeof context.config.uri === "string" && context.config.uri !== "" ? context.config.uri : "qemu:///system";

/** One virsh command as a user would type it, for messages. */
export const commandLine = (context: Context, ...args: readonly string[]): string =>
  ["virsh", "-c", uriOf(context), ...args].map(shellWord).join(" ");

/** sshd drops connections when more than ten (MaxStartups) wait for their login at a time. */
const REMOTE_AT_A_TIME = 4;
let remoteCalls = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(uri: string, call: () => Promise<T>): Promise<T> {
  if (!uri.includes("+ssh:")) return call();
  while (remoteCalls >= REMOTE_AT_A_TIME) await new Promise<void>((go) => waiting.push(go));
  remoteCalls += 1;
  try {
    return await call();
  } finally {
    remoteCalls -= 1;
    waiting.shift()?.();
  }
}

/**
 * Runs one virsh command.
 * @returns its output without the trailing newline
 * @throws VirshError with libvirt's own words
 */
export async function virsh(context: Context, ...args: readonly string[]): Promise<string> {
  if (context.signal.aborted) throw context.signal.reason;
  const result = await inTurn(uriOf(context), () =>
    context.exec("virsh", ["-c", uriOf(context), "-q", ...args], {
      env: { ...process.env, LC_ALL: "C" },
      // libvirt's steps are short, and better finished than broken off.
      signal: context.killSignal,
    }),
  );
  if (result.code === 0) return result.stdout.trimEnd();
  const message = result.stderr
    .trim()
    .replace(/^error: /gm, "")
    .replace(/\n+/g, ": ");
  const denied = /Permission denied|authentication unavailable/.test(message);
  const hint = denied ? " (is this user in the group libvirt?)" : "";
  throw new VirshError(`${message || `virsh ended with status ${result.code}`}${hint}`);
}

/** Runs a virsh command that takes a file of XML after `args`. */
export async function virshXml(context: Context, xml: string, ...args: readonly string[]): Promise<void> {
  // virsh cannot read a socket, which is what Node.js gives a child for its stdin.
  const file = path.join(context.scratch, `${randomUUID()}.xml`);
  fs.writeFileSync(file, xml, { mode: 0o600 });
  try {
    await virsh(context, ...args, file);
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** As `virsh`, but an answer that the thing is not there is undefined. */
export async function virshOrMissing(
  context: Context,
  kind: keyof typeof KINDS,
  ...args: readonly string[]
): Promise<string | undefined> {
  try {
    return await virsh(context, ...args);
  } catch (error) {
    if (error instanceof VirshError && KINDS[kind].missing.test(error.message)) return undefined;
    throw error;
  }
}

/** UUID of a domain, network or pool; undefined when there is none of that name. */
export const uuidOf = (
  context: Context,
  kind: "domain" | "network" | "pool",
  name: string,
): Promise<string | undefined> => virshOrMissing(context, kind, KINDS[kind].uuid, name);

/** The part of `virsh …-info` after a label. */
export const field = (info: string, label: string): string =>
  new RegExp(`^${label}:\\s*(.*)$`, "m").exec(info)?.[1]?.trim() ?? "";

/** A required string input. */
export function text(inputs: Properties, key: string): string {
  const value = inputs[key];
  if (typeof value !== "string" || value === "") throw new Error(`input "${key}" must be a non-empty string`);
  return value;
}

/** Refuses a name that is taken by something this stack did not make. */
export function refuseForeign(kind: string, name: string, remedy: readonly string[]): never {
  throw new Error(
    `a ${kind} named "${name}" exists already and was not made by this stack. ` +
      `Choose another name, or delete it with: ${remedy.join(" && ")}`,
  );
}

/**
 * What domains, networks and pools have in common: a name, and a UUID that tells this stack's from another's.
 * @param remedy the commands, as a person types them, that delete a foreign one
 * @param remove deletes this stack's, in whatever state it is
 */
export function named(
  kind: "domain" | "network" | "pool",
  remedy: (name: string, typed: (...args: readonly string[]) => string) => readonly string[],
  remove: (inputs: Properties, context: Context) => Promise<void>,
): Pick<Required<Provider>, "identity" | "computed" | "check" | "cleanup" | "exists" | "delete"> {
  const isOwn = async (inputs: Properties, uuid: string, context: Context): Promise<boolean> =>
    (await uuidOf(context, kind, text(inputs, "name"))) === uuid;
  const removeOwn = async (inputs: Properties, uuid: string, context: Context): Promise<void> => {
    if (await isOwn(inputs, uuid, context)) await remove(inputs, context);
  };
  return {
    identity: ["name"],
    computed: ["uuid"],
    check: async (inputs, context) => {
      const name = text(inputs, "name");
      if ((await uuidOf(context, kind, name)) === undefined) return;
      const typed = (...args: readonly string[]): string => commandLine(context, ...args);
      refuseForeign(kind === "pool" ? "storage pool" : kind, name, remedy(name, typed));
    },
    cleanup: (inputs, context) => removeOwn(inputs, context.mark, context),
    exists: ({ inputs, id }, context) => isOwn(inputs, id, context),
    delete: ({ inputs, id }, context) => removeOwn(inputs, id, context),
  };
}

/** Whether a storage pool runs. */
export const isRunning = async (context: Context, name: string): Promise<boolean> =>
  field(await virsh(context, "pool-info", name), "State") === "running";

/** Inputs that become XML: all but those that steer the provider. */
export const without = (inputs: Properties, ...keys: string[]): Properties =>
  Object.fromEntries(Object.entries(inputs).filter(([key]) => !keys.includes(key)));
