import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Properties } from "../../lib/properties";
import { shellWord } from "../../lib/text";
import { askOrMissing, virsh as runVirsh, type Ask } from "../../lib/virsh";
import type { Context, Provider } from "./provider";

const UUID_COMMANDS = { domain: "domuuid", network: "net-uuid", pool: "pool-uuid" } as const;

const uriOf = (context: Context): string =>
  typeof context.config.uri === "string" && context.config.uri !== "" ? context.config.uri : "qemu:///system";

/** One virsh command as a user would type it, for messages. */
export const commandLine = (context: Context, ...args: readonly string[]): string =>
  ["virsh", "-c", uriOf(context), ...args].map(shellWord).join(" ");

/**
 * Runs one virsh command.
 * @returns its output without the trailing newline
 * @throws VirshError with libvirt's own words
 */
export async function virsh(context: Context, ...args: readonly string[]): Promise<string> {
  if (context.signal.aborted) throw context.signal.reason;
  // libvirt's steps are short, and better finished than broken off.
  return runVirsh(uriOf(context), args, { exec: context.exec, signal: context.killSignal });
}

/** As a function of the arguments alone. */
export const asking =
  (context: Context): Ask =>
  (...args) =>
    virsh(context, ...args);

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

/** UUID of a domain, network or pool; undefined when there is none of that name. */
export const uuidOf = (
  context: Context,
  kind: keyof typeof UUID_COMMANDS,
  name: string,
): Promise<string | undefined> => askOrMissing(asking(context), kind, UUID_COMMANDS[kind], name);

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
