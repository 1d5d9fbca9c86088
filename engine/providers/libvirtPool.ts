import * as fs from "node:fs";
import type { Properties } from "../../lib/properties";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";
import { isRunning, named, text, virsh, virshXml, without } from "./virsh";

/** The pool's directory is made with it and removed with it. */
export const pool: Provider = {
  // The real provider refuses to change a pool in place.
  replaceOn: [["*"]],
  ...named("pool", (name, typed) => [typed("pool-destroy", name), typed("pool-undefine", name)], deletePool),
  create: async (inputs, context) => {
    const name = text(inputs, "name");
    const options = (inputs.create ?? {}) as Properties;
    const xml = libvirtXml("pool", without(inputs, "create", "destroy"), { uuid: context.mark });
    await virshXml(context, xml, "pool-define", "--validate");
    if (options.build !== false) await virsh(context, "pool-build", name);
    if (options.autostart !== false) await virsh(context, "pool-autostart", name);
    if (options.start !== false) await virsh(context, "pool-start", name);
    return { id: context.mark, outputs: { uuid: context.mark } };
  },
};

async function deletePool(inputs: Properties, context: Context): Promise<void> {
  const name = text(inputs, "name");
  if (await isRunning(context, name)) await virsh(context, "pool-destroy", name);
  const remove = (inputs.destroy as Properties | undefined)?.delete ?? inputs.type === "dir";
  const directory = (inputs.target as Properties | undefined)?.path;
  if (remove === true && !(typeof directory === "string" && isGone(context, directory))) {
    await virsh(context, "pool-delete", name).catch((error: Error) => {
      if (/No such file or directory/.test(error.message)) return;
      throw new Error(
        `${error.message}: something else keeps files in ${String(directory)}; remove them and run this again`,
      );
    });
  }
  await virsh(context, "pool-undefine", name);
}

/** Only a local libvirt's directories can be looked at. */
const isGone = (context: Context, directory: string): boolean =>
  !String(context.config.uri ?? "").includes("+") && !fs.existsSync(directory);
