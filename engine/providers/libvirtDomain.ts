import type { Properties } from "../../lib/properties";
import { askOrMissing, domainState, powerOff, shutDown, type Ask } from "../../lib/virsh";
import { named } from "./libvirt";

/** What goes with a domain: saved memory, snapshots' records, firmware variables. */
const EXTRAS = ["--managed-save", "--snapshots-metadata", "--checkpoints-metadata", "--nvram"];

async function start(ask: Ask, name: string, { autostart, running }: Properties): Promise<void> {
  if (autostart !== undefined) await ask("autostart", name, ...(autostart === true ? [] : ["--disable"]));
  if (running === true) await ask("start", name);
}

export const domain = named("domain", {
  replaceOn: ["name", "type"],
  steering: ["running", "autostart"],
  undefine: EXTRAS,
  disturbs: true,
  start,
  update: async (ask, name, inputs, define, { signal }) => {
    if ((await domainState(ask, name)) === "running") await shutDown(ask, name, signal);
    else await powerOff(ask, name);
    await define();
    await start(ask, name, inputs);
  },
  remove: async (ask, name) => {
    await powerOff(ask, name);
    // A transient domain ended with its power.
    await askOrMissing(ask, "domain", "undefine", name, ...EXTRAS);
  },
});
