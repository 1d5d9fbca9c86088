import * as fs from "node:fs";
import type { Properties } from "../../lib/properties";
import { isRunning, named } from "./libvirt";
import type { Context } from "./provider";

/** The pool's directory is made with it and removed with it. */
export const pool = named("pool", {
  // The real provider refuses to change a pool in place.
  replaceOn: ["*"],
  steering: ["create", "destroy"],
  start: async (ask, name, inputs) => {
    const { build, autostart, start } = (inputs.create ?? {}) as Properties;
    if (build !== false) await ask("pool-build", name);
    if (autostart !== false) await ask("pool-autostart", name);
    if (start !== false) await ask("pool-start", name);
  },
  remove: async (ask, name, inputs, context) => {
    if (await isRunning(ask, name)) await ask("pool-destroy", name);
    const remove = (inputs.destroy as Properties | undefined)?.delete ?? inputs.type === "dir";
    const directory = (inputs.target as Properties | undefined)?.path;
    if (remove === true && !(typeof directory === "string" && isGone(context, directory))) {
      await ask("pool-delete", name).catch((error: Error) => {
        if (/No such file or directory/.test(error.message)) return;
        throw new Error(
          `${error.message}: something else keeps files in ${String(directory)}; remove them and run this again`,
        );
      });
    }
    await ask("pool-undefine", name);
  },
});

/** Only a local libvirt's directories can be looked at. */
const isGone = (context: Context, directory: string): boolean =>
  !String(context.config.uri ?? "").includes("+") && !fs.existsSync(directory);
