import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Properties } from "../../lib/properties";
import { askOrMissing, isMissing, VirshError, type Ask } from "../../lib/virsh";
import { isRunning, refuseForeign, text, uuidOf, virshOf, virshXml, without } from "./libvirt";
import { libvirtXml } from "./libvirtXml";
import type { Context, Provider } from "./provider";

const BUSY_ATTEMPTS = 60;
const BUSY_PAUSE_MS = 500;

/** An overlay on a backing image, or a volume with a local file's content. Its id is its key. */
export const volume: Provider = {
  // The real provider refuses to change a volume in place.
  replaceOn: ["*"],
  identity: ["pool", "name"],
  computed: ["path", "key"],
  disturbs: true,
  check: async (inputs, context) => {
    const [ask, inPool, name] = [virshOf(context), text(inputs, "pool"), text(inputs, "name")];
    if (!(await isListed(ask, inPool, name))) return;
    if (await isThere(ask, inPool, name))
      refuseForeign(context, "storage volume", name, ["vol-delete", "--pool", inPool, name]);
    // Its file was deleted behind libvirt's back: it is listed until the pool is read anew.
    await patiently(context, "pool-refresh", inPool);
  },
  create: async (inputs, context) => {
    const [ask, inPool, name] = [virshOf(context), text(inputs, "pool"), text(inputs, "name")];
    const source = contentOf(inputs);
    const capacity = source === undefined ? inputs.capacity : fs.statSync(source).size;
    if (typeof capacity !== "number")
      throw new Error("capacity is required when there is no content to upload");
    const xml = libvirtXml("volume", without(inputs, "pool", "create"), { capacity });
    await virshXml(context, xml, "vol-create", inPool);
    if (source !== undefined) await ask("vol-upload", "--pool", inPool, name, source);
    const key = await ask("vol-key", "--pool", inPool, name);
    return { id: key, outputs: { key, path: await ask("vol-path", "--pool", inPool, name) } };
  },
  cleanup: deleteVolume,
  exists: ({ inputs }, context) => isThere(virshOf(context), text(inputs, "pool"), text(inputs, "name")),
  delete: ({ inputs }, context) => deleteVolume(inputs, context),
};

const isListed = async (ask: Ask, inPool: string, name: string): Promise<boolean> =>
  (await askOrMissing(ask, "volume", "vol-key", "--pool", inPool, name)) !== undefined;

/** Unlike a listing, this looks at the file itself. */
const isThere = async (ask: Ask, inPool: string, name: string): Promise<boolean> =>
  (await askOrMissing(ask, "volume", "vol-info", "--pool", inPool, name)) !== undefined;

/** Succeeds when the volume, or its whole pool, is gone already. As a rule it is there: that takes one process. */
async function deleteVolume(inputs: Properties, context: Context): Promise<void> {
  const [ask, inPool, name] = [virshOf(context), text(inputs, "pool"), text(inputs, "name")];
  const remove = ["vol-delete", "--pool", inPool, name];
  const deleted = await ask(...remove).then(
    () => true,
    () => false,
  );
  if (deleted) return;
  context.signal.throwIfAborted();
  if ((await uuidOf(ask, "pool", inPool)) === undefined) return;
  if (!(await isRunning(ask, inPool))) {
    await ask("pool-start", inPool).catch(async (error: unknown) => {
      // Another volume's deletion may have started it, or its directory have gone with all that was in it.
      if (!isMissing("volume", error) && !(await isRunning(ask, inPool))) throw error;
    });
    if (!(await isRunning(ask, inPool))) return;
  }
  if (await isThere(ask, inPool, name)) await patiently(context, ...remove);
  else if (await isListed(ask, inPool, name)) await patiently(context, "pool-refresh", inPool);
}

/** libvirt refuses some operations while another one, an upload for instance, is at work in the same pool. */
async function patiently(context: Context, ...args: string[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await virshOf(context)(...args);
      return;
    } catch (error) {
      const busy =
        error instanceof VirshError && /asynchronous jobs|being allocated|in use/.test(error.message);
      if (!busy || attempt === BUSY_ATTEMPTS) throw error;
    }
    await sleep(BUSY_PAUSE_MS, undefined, { signal: context.signal });
  }
}

/** Path of the file to upload, from `create.content.url`: a path or a file: URL. */
function contentOf(inputs: Properties): string | undefined {
  const url = ((inputs.create as Properties | undefined)?.content as Properties | undefined)?.url;
  if (typeof url !== "string") return undefined;
  if (url.startsWith("file:")) return fileURLToPath(url);
  if (url.startsWith("/")) return url;
  throw new Error(`create.content.url: the embedded engine uploads local files only, not ${url}`);
}
