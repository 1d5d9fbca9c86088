import type { Properties } from "../../lib/properties";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";
import { field, named, text, virsh, virshXml, without } from "./virsh";

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
  // A guest's interface stays on the bridge of the old one, and there is no such bridge any more.
  disturbs: true,
  create: async (inputs, context) => {
    const name = text(inputs, "name");
    const xml = libvirtXml("network", without(inputs, "autostart"), { uuid: context.mark });
    await virshXml(context, xml, "net-define", "--validate");
    await setAutostart(inputs, context);
    await virsh(context, "net-start", name);
    return { id: context.mark, outputs: { uuid: context.mark } };
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
