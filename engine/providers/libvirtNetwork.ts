import type { Properties } from "../values";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";
import { field, named, presence, text, virsh, virshXml, without } from "./virsh";

export const network: Provider = {
  // The real provider takes a changed network for applied without applying it.
  replaceOn: [
    ["name"],
    ["bridge"],
    ["ips"],
    ["mtu"],
    ["dns"],
    ["forward"],
    ["domain"],
    ["mac"],
    ["metadata"],
  ],
  ...named(
    "network",
    (name, typed) => [typed("net-destroy", name), typed("net-undefine", name)],
    deleteNetwork,
  ),
  disturbs: { gone: "restarted", drifted: "restarted" },
  create: async (inputs, context) => {
    const name = text(inputs, "name");
    const xml = libvirtXml("network", without(inputs, "autostart"), { uuid: context.mark });
    await virshXml(context, xml, "net-define", "--validate");
    await setAutostart(inputs, context);
    await virsh(context, "net-start", name);
    return { id: context.mark, outputs: { uuid: context.mark } };
  },
  read: async ({ inputs, id }, context) => {
    const name = text(inputs, "name");
    const { found, info } = await presence(context, "network", name, id);
    if (found.status !== "ok") return found;
    const active = field(info, "Active") === "yes";
    return active ? found : { status: "drifted", why: `network ${name} was not running` };
  },
  mend: async ({ inputs, outputs }, context) => {
    await virsh(context, "net-start", text(inputs, "name"));
    return outputs;
  },
  update: async ({ outputs }, inputs, context) => {
    await setAutostart(inputs, context);
    return outputs;
  },
};

async function setAutostart(inputs: Properties, context: Context): Promise<void> {
  const disable = inputs.autostart === true ? [] : ["--disable"];
  await virsh(context, "net-autostart", text(inputs, "name"), ...disable);
}

async function deleteNetwork(inputs: Properties, context: Context): Promise<void> {
  const name = text(inputs, "name");
  const info = await virsh(context, "net-info", name);
  if (field(info, "Active") === "yes") await virsh(context, "net-destroy", name);
  await virsh(context, "net-undefine", name);
}
