/** What libvirt's objects have in common. */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Properties } from "../../lib/properties";
import { shellWord } from "../../lib/text";
import { askOrMissing, virsh, type Ask } from "../../lib/virsh";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";

const uriOf = (context: Context): string =>
  typeof context.config.uri === "string" && context.config.uri !== "" ? context.config.uri : "qemu:///system";

/** virsh at the libvirt of the resource's provider. */
export const virshOf =
  (context: Context): Ask =>
  async (...args) => {
    context.signal.throwIfAborted();
    // libvirt's steps are short, and better finished than broken off.
    return virsh(uriOf(context), args, { exec: context.exec, signal: context.killSignal });
  };

/** Runs a virsh command that takes a file of XML after `args`. */
export async function virshXml(context: Context, xml: string, ...args: string[]): Promise<void> {
  // virsh cannot read a socket, which is what Node.js gives a child for its stdin.
  const file = path.join(context.scratch, `${randomUUID()}.xml`);
  fs.writeFileSync(file, xml, { mode: 0o600 });
  try {
    await virshOf(context)(...args, file);
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** The part of `virsh …-info` after a label. */
export const field = (info: string, label: string): string =>
  new RegExp(`^${label}:\\s*(.*)$`, "m").exec(info)?.[1]?.trim() ?? "";

/** Whether a storage pool runs. */
export const isRunning = async (ask: Ask, pool: string): Promise<boolean> =>
  field(await ask("pool-info", pool), "State") === "running";

/** A required string input. */
export function text(inputs: Properties, key: string): string {
  const value = inputs[key];
  if (typeof value !== "string" || value === "") throw new Error(`input "${key}" must be a non-empty string`);
  return value;
}

/** Inputs that become XML: all but those that steer the provider. */
export const without = (inputs: Properties, ...keys: readonly string[]): Properties =>
  Object.fromEntries(Object.entries(inputs).filter(([key]) => !keys.includes(key)));

/**
 * Refuses a name that is taken by something this stack did not make.
 * @param remedy the virsh commands that delete it
 */
export function refuseForeign(
  context: Context,
  kind: string,
  name: string,
  ...remedy: readonly (readonly string[])[]
): never {
  const typed = remedy.map((args) => ["virsh", "-c", uriOf(context), ...args].map(shellWord).join(" "));
  throw new Error(
    `a ${kind} named "${name}" exists already and was not made by this stack. ` +
      `Choose another name, or delete it with: ${typed.join("; ")}`,
  );
}

const KINDS = {
  domain: { called: "domain", uuid: "domuuid", commands: "" },
  network: { called: "network", uuid: "net-uuid", commands: "net-" },
  pool: { called: "storage pool", uuid: "pool-uuid", commands: "pool-" },
} as const;

/** UUID of a domain, network or pool; undefined when there is none of that name. */
export const uuidOf = (ask: Ask, kind: keyof typeof KINDS, name: string): Promise<string | undefined> =>
  askOrMissing(ask, kind, KINDS[kind].uuid, name);

/** What is particular to a kind of objects that have a name, and a UUID that tells this stack's from another's. */
interface Particulars extends Pick<Provider, "replaceOn" | "disturbs"> {
  /** Inputs that steer the provider and are no part of the XML. */
  readonly steering: readonly string[];
  /** Options of the command that undefines one, whatever hangs on it. */
  readonly undefine?: readonly string[];
  /** Makes what has been defined run as the inputs say. */
  start(ask: Ask, name: string, inputs: Properties): Promise<void>;
  /** @param define defines it anew, under its own UUID */
  update?(
    ask: Ask,
    name: string,
    inputs: Properties,
    define: () => Promise<void>,
    context: Context,
  ): Promise<void>;
  /** Deletes this stack's, in whatever state it is. */
  remove(ask: Ask, name: string, inputs: Properties, context: Context): Promise<void>;
}

export function named(
  kind: keyof typeof KINDS,
  { steering, undefine = [], start, update, remove, ...rest }: Particulars,
): Provider {
  const { called, commands } = KINDS[kind];
  const define = (inputs: Properties, uuid: string, context: Context): Promise<void> =>
    virshXml(
      context,
      libvirtXml(kind, without(inputs, ...steering), { uuid }),
      `${commands}define`,
      "--validate",
    );
  const isOwn = async (inputs: Properties, uuid: string, context: Context): Promise<boolean> =>
    (await uuidOf(virshOf(context), kind, text(inputs, "name"))) === uuid;
  const removeOwn = async (inputs: Properties, uuid: string, context: Context): Promise<void> => {
    if (await isOwn(inputs, uuid, context))
      await remove(virshOf(context), text(inputs, "name"), inputs, context);
  };
  return {
    ...rest,
    identity: ["name"],
    computed: ["uuid"],
    check: async (inputs, context) => {
      const name = text(inputs, "name");
      if ((await uuidOf(virshOf(context), kind, name)) === undefined) return;
      const remedy = [
        [`${commands}destroy`, name],
        [`${commands}undefine`, name, ...undefine],
      ];
      refuseForeign(context, called, name, ...remedy);
    },
    create: async (inputs, context) => {
      await define(inputs, context.mark, context);
      await start(virshOf(context), text(inputs, "name"), inputs);
      return { id: context.mark, outputs: { uuid: context.mark } };
    },
    ...(update && {
      update: async ({ id, outputs }, inputs, context) => {
        const defineAnew = (): Promise<void> => define(inputs, id, context);
        await update(virshOf(context), text(inputs, "name"), inputs, defineAnew, context);
        return outputs;
      },
    }),
    cleanup: (inputs, context) => removeOwn(inputs, context.mark, context),
    exists: ({ inputs, id }, context) => isOwn(inputs, id, context),
    delete: ({ inputs, id }, context) => removeOwn(inputs, id, context),
  };
}
