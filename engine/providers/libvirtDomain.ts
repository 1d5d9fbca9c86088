import { setTimeout as sleep } from "node:timers/promises";
import type { Properties } from "../../lib/properties";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";
import { KINDS, named, text, virsh, VirshError, virshOrMissing, virshXml, without } from "./virsh";

/** Inputs that steer the provider and are no part of the XML. */
const STEERING = ["running", "autostart"];
/** Seconds a guest has to shut down before an update takes its power. */
const SHUTDOWN_S = 30;
const POLL_MS = 500;

const state = (context: Context, name: string): Promise<string | undefined> =>
  virshOrMissing(context, "domain", "domstate", name);

async function define(inputs: Properties, uuid: string, context: Context): Promise<void> {
  const described = without(inputs, ...STEERING);
  await virshXml(context, libvirtXml("domain", described, { uuid }), "define", "--validate");
  if (inputs.autostart === undefined) return;
  await virsh(
    context,
    "autostart",
    text(inputs, "name"),
    ...(inputs.autostart === true ? [] : ["--disable"]),
  );
}

/** Takes the power; nothing is done to a domain that has none. */
async function powerOff(name: string, context: Context): Promise<void> {
  if ((await state(context, name)) === "shut off") return;
  await virsh(context, "destroy", name).catch(async (error: unknown) => {
    // It may have ended by itself meanwhile, or just have been undefined.
    const left = await state(context, name);
    if (left !== undefined && left !== "shut off") throw error;
  });
}

/** Asks the guest to shut down and takes the power when it does not. */
async function shutDown(name: string, context: Context): Promise<void> {
  if ((await state(context, name)) !== "running") return powerOff(name, context);
  const deadline = Date.now() + SHUTDOWN_S * 1000;
  await virsh(context, "shutdown", name);
  while (Date.now() < deadline && (await state(context, name)) !== "shut off") {
    await sleep(POLL_MS, undefined, { signal: context.signal });
  }
  await powerOff(name, context);
}

/** Removes a domain in any state, with its snapshots' records, saved memory and firmware variables. */
async function undefine(name: string, context: Context): Promise<void> {
  await powerOff(name, context);
  try {
    const extras = ["--managed-save", "--snapshots-metadata", "--checkpoints-metadata", "--nvram"];
    await virsh(context, "undefine", name, ...extras);
  } catch (error) {
    // A transient domain ended with its power.
    if (!(error instanceof VirshError && KINDS.domain.missing.test(error.message))) throw error;
  }
}

export const domain: Provider = {
  replaceOn: [["name"], ["type"]],
  ...named(
    "domain",
    (name, typed) => {
      const undefining = typed("undefine", name, "--managed-save", "--snapshots-metadata", "--nvram");
      return [`(${typed("destroy", name)}; ${undefining})`];
    },
    (inputs, context) => undefine(text(inputs, "name"), context),
  ),
  disturbs: true,
  create: async (inputs, context) => {
    const name = text(inputs, "name");
    await define(inputs, context.mark, context);
    if (inputs.running === true) await virsh(context, "start", name);
    return { id: context.mark, outputs: { uuid: context.mark } };
  },
  update: async ({ id, outputs }, inputs, context) => {
    const name = text(inputs, "name");
    await shutDown(name, context);
    await define(inputs, id, context);
    if (inputs.running === true) await virsh(context, "start", name);
    return outputs;
  },
};
