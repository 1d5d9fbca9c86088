import type { Properties } from "../../lib/properties";
import { askOrMissing, domainState, powerOff, shutDown } from "../../lib/virsh";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";
import { asking, named, text, virsh, virshXml, without } from "./virsh";

/** Inputs that steer the provider and are no part of the XML. */
const STEERING = ["running", "autostart"];

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

/** Removes a domain in any state, with its snapshots' records, saved memory and firmware variables. */
async function undefine(name: string, context: Context): Promise<void> {
  await powerOff(asking(context), name);
  const extras = ["--managed-save", "--snapshots-metadata", "--checkpoints-metadata", "--nvram"];
  // A transient domain ended with its power.
  await askOrMissing(asking(context), "domain", "undefine", name, ...extras);
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
    const ask = asking(context);
    if ((await domainState(ask, name)) === "running") await shutDown(ask, name, context.signal);
    else await powerOff(ask, name);
    await define(inputs, id, context);
    if (inputs.running === true) await virsh(context, "start", name);
    return outputs;
  },
};
