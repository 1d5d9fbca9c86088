/** What a Pulumi run that was killed leaves behind, and Pulumi itself does not clear: its lock, half-made objects. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import type { StackNames, Virsh } from "../../stack/virsh";

interface PendingResource {
  readonly type: string;
  readonly urn: string;
  readonly inputs?: {
    readonly name?: string;
    readonly pool?: string;
    readonly bridge?: { readonly name?: string };
    readonly target?: { readonly path?: string };
  };
}

export interface PendingOperation {
  readonly type: string;
  readonly resource: PendingResource;
}

/** Whose objects they are: no other's are touched, whatever their names. */
export type Owner = Pick<StackNames, "project" | "stack" | "prefix">;

/** The directory of a file backend; undefined for any other. */
export function filesOf(backend: string): string | undefined {
  if (!backend.startsWith("file://")) return undefined;
  return join(backend.slice("file://".length).replace(/\?.*$/, "").replace(/^~/, homedir()), ".pulumi");
}

function locksOf(files: string, { project, stack }: Owner): string {
  return join(files, "locks/organization", project, stack);
}

function filesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
}

/** Who holds the stack's lock in a file backend; nobody in any other, whose locks are not ours to read. */
export function lockHolders(
  backend: string,
  owner: Owner,
): { readonly by: string; readonly stale: boolean }[] {
  const files = filesOf(backend);
  if (files === undefined) return [];
  const locks = filesIn(locksOf(files, owner)).filter((file) => file.endsWith(".json"));
  return locks.map((file) => holder(readFileSync(file, "utf8")));
}

function holder(text: string): { by: string; stale: boolean } {
  // Whoever was to write it was killed.
  if (text.trim() === "") return { by: "", stale: true };
  const { pid, hostname: host } = JSON.parse(text) as { pid: number; hostname: string };
  const by = `process ${pid} on ${host}`;
  // Whether it lives there only that host knows.
  if (host !== hostname()) return { by, stale: false };
  const stat = `/proc/${pid}/stat`;
  // Another program may have its number by now, or nobody have taken note of its death yet (Z).
  return { by, stale: !existsSync(stat) || !/^\d+ \(pulumi\) [^ZX]/.test(readFileSync(stat, "utf8")) };
}

/**
 * Beside each of its files a file backend writes a small one with attributes, in place: one that a killed run has left
 * empty makes the whole file unreadable ("EOF"), and there is nothing in it that anybody needs. Only while nobody writes.
 */
export function repairFileBackend(backend: string, owner: Owner): void {
  const files = filesOf(backend);
  if (files === undefined) return;
  const locks = locksOf(files, owner);
  if (lockHolders(backend, owner).some(({ stale }) => !stale)) return;
  for (const file of [...filesIn(join(files, "stacks", owner.project)), ...filesIn(locks)])
    if (file.endsWith(".attrs") && statSync(file).size === 0) rmSync(file, { force: true });
}

/** Removes what was being created: it may exist outside the state, where it would block the next try by its name. */
export async function discard(
  virsh: Virsh,
  owner: Owner,
  { type, inputs = {} }: PendingResource,
): Promise<void> {
  const { name } = inputs;
  if (name === undefined) return;
  const ask = (...args: string[]): Promise<string> => virsh.run(...args).catch(() => "");
  const kinds: Readonly<Record<string, { own: () => Promise<boolean>; commands: string[][] }>> = {
    "libvirt:index/domain:Domain": {
      own: async () =>
        (await ask("desc", name, "--title")).trim().startsWith(`${owner.project} ${owner.stack}: `),
      commands: [
        ["destroy", name],
        ["undefine", name, "--managed-save", "--snapshots-metadata", "--nvram"],
      ],
    },
    "libvirt:index/network:Network": {
      // Named by a digest of project and stack.
      own: async () => {
        const bridge = /^Bridge:\s*(\S+)/m.exec(await ask("net-info", name))?.[1];
        return bridge !== undefined && bridge === inputs.bridge?.name;
      },
      commands: [
        ["net-destroy", name],
        ["net-undefine", name],
      ],
    },
    "libvirt:index/volume:Volume": {
      own: () => Promise.resolve(inputs.pool === owner.prefix || name.startsWith(`${owner.prefix}-`)),
      commands: [["vol-delete", name, "--pool", inputs.pool ?? "default"]],
    },
    "libvirt:index/pool:Pool": {
      own: async () => {
        const path = /<path>([^<]*)<\/path>/.exec(await ask("pool-dumpxml", name))?.[1];
        // One that has volumes was whole before.
        return (
          path !== undefined && path === inputs.target?.path && (await ask("vol-list", name)).trim() === ""
        );
      },
      // Its directory is made with it and goes with it; libvirt removes no directory in which something is.
      commands: [
        ["pool-destroy", name],
        ["pool-delete", name],
        ["pool-undefine", name],
      ],
    },
  };
  const kind = kinds[type];
  if (kind === undefined || !(await kind.own())) return;
  // How far its creation came is not known: each step may have nothing to do.
  for (const args of kind.commands) await ask(...args);
}
