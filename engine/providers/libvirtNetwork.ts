import type { Properties } from "../../lib/properties";
import type { Ask } from "../../lib/virsh";
import { field, named } from "./libvirt";

async function setAutostart(ask: Ask, name: string, { autostart }: Properties): Promise<void> {
  await ask("net-autostart", name, ...(autostart === true ? [] : ["--disable"]));
}

export const network = named("network", {
  // The real provider takes a changed network for applied without applying it.
  replaceOn: ["name", "bridge", "ips", "mtu", "dns", "forward", "domain", "mac", "metadata"],
  steering: ["autostart"],
  // A guest's interface stays on the bridge of the old one, and there is no such bridge any more.
  disturbs: true,
  start: async (ask, name, inputs) => {
    await setAutostart(ask, name, inputs);
    await ask("net-start", name);
  },
  update: setAutostart,
  remove: async (ask, name) => {
    if (field(await ask("net-info", name), "Active") === "yes") await ask("net-destroy", name);
    await ask("net-undefine", name);
  },
});
