/** What the CLI itself asks of libvirt: finding, starting and listing a stack's objects. */
import { isMissing, powerOn, shutDown, virsh, VirshError } from "../../lib/virsh";

/** Milliseconds for a libvirt to say that it is there. */
const ANSWER_MS = 20_000;

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** By what a stack's objects are known on a host that may hold several. */
export interface StackNames {
  readonly project: string;
  readonly stack: string;
  /** Name of the stack's own pool; with `-client` and `-server`, of its networks. */
  readonly prefix: string;
  readonly domains: readonly string[];
}

export class Virsh {
  /** @param uri undefined for a stack that has nothing in any libvirt: whatever is asked, nothing is found */
  constructor(private readonly uri: string | undefined) {}

  /** @throws VirshError with the command, and virsh's own words */
  readonly run = async (...args: string[]): Promise<string> => {
    if (this.uri === undefined) return "";
    return virsh(this.uri, args).catch((error: unknown) => {
      throw error instanceof VirshError ? new VirshError(`virsh ${args.join(" ")}: ${error.message}`) : error;
    });
  };

  /** Why it does not answer; undefined when it does. */
  async silence(): Promise<string | undefined> {
    if (this.uri === undefined) return undefined;
    const signal = AbortSignal.timeout(ANSWER_MS);
    return virsh(this.uri, ["uri"], { signal }).then(
      () => undefined,
      (error: Error) => (signal.aborted ? `no answer within ${ANSWER_MS / 1000} s` : error.message),
    );
  }

  /** Of pools that may be other people's, and of what is in them: nothing for one that has gone since it was listed. */
  private async unlessGone(...args: string[]): Promise<string> {
    return this.run(...args).catch((error: Error) => {
      const gone = isMissing("pool", error) || isMissing("volume", error);
      if (gone || /is not active/.test(error.message)) return "";
      throw error;
    });
  }

  private async names(...args: string[]): Promise<string[]> {
    return linesOf(await this.run(...args));
  }

  /**
   * State of each of the stack's domains, as `virsh domstate` prints it. The title tells `dev` from `dev-2`. One process for all of
   * them: each costs 15 to 30 ms of a processor.
   */
  async domains({ project, stack, prefix }: StackNames): Promise<Map<string, string>> {
    const ask = (): Promise<string[]> => this.names("list", "--all", "--title");
    // One that goes, whosever it is, between the list and the look at its title ends the whole list.
    const lines = await ask().catch((error: unknown) => {
      if (isMissing("domain", error)) return ask();
      throw error;
    });
    const row = new RegExp(`^\\S+\\s+(${prefix}-\\S+)\\s+([a-z]+(?: [a-z]+)?)\\s+${project} ${stack}: `);
    const rows = lines.map((line) => row.exec(line));
    return new Map(rows.flatMap((match) => (match ? [[match[1] ?? "", match[2] ?? ""]] : [])));
  }

  /** UUID of every domain on the host, by name. */
  async uuids(): Promise<Map<string, string>> {
    const rows = (await this.names("list", "--all", "--uuid", "--name")).map((line) => line.split(/\s+/));
    return new Map(rows.map(([uuid = "", name = ""]) => [name, uuid]));
  }

  async networks(stack: StackNames, which: "--all" | "--inactive" = "--all"): Promise<string[]> {
    const own = [`${stack.prefix}-client`, `${stack.prefix}-server`];
    return (await this.names("net-list", which, "--name")).filter((name) => own.includes(name));
  }

  /** Networks that a domain has an interface on. */
  async networksOf(domain: string): Promise<string[]> {
    const rows = (await this.names("domiflist", domain)).map((line) => line.split(/\s+/));
    return rows.flatMap(([, type, source = ""]) => (type === "network" ? [source] : []));
  }

  /** Asks a running guest to shut down, and takes its power when it does not. */
  shutDown(domain: string): Promise<void> {
    return shutDown(this.run, domain);
  }

  /**
   * @returns whether it had no power
   * @throws Error within seconds where the host does not answer
   */
  async powerOn(domain: string): Promise<boolean> {
    const why = await this.silence();
    if (why !== undefined) throw new Error(`the host of ${domain} does not answer: ${why}`);
    return powerOn(this.run, domain);
  }

  async pools(stack: StackNames, which: "--all" | "--inactive" = "--all"): Promise<string[]> {
    return (await this.names("pool-list", which, "--name")).filter((name) => name === stack.prefix);
  }

  /** Volumes of the stack as `pool/volume`: all in its own pool, and in others those named after its domains. */
  async volumes(stack: StackNames): Promise<string[]> {
    const pools = await this.names("pool-list", "--name");
    const lists = await Promise.all(
      pools.map(async (pool) =>
        linesOf(await this.unlessGone("vol-list", pool))
          .map((line) => line.split(/\s+/)[0] ?? "")
          .filter(
            (volume) =>
              pool === stack.prefix || stack.domains.some((domain) => volume.startsWith(`${domain}-`)),
          )
          .map((volume) => `${pool}/${volume}`),
      ),
    );
    return lists.flat();
  }

  /** Deletes the older parts of the guests' consoles, which no engine knows: virtlogd begins a new file after 2 MiB. */
  async deleteOldConsoles(stack: StackNames): Promise<void> {
    const volumes = async (): Promise<string[][]> =>
      (await this.volumes(stack)).map((volume) => volume.split("/"));
    const pools = new Set((await volumes()).map(([pool = ""]) => pool));
    for (const pool of pools) await this.unlessGone("pool-refresh", pool);
    for (const [pool = "", name = ""] of await volumes())
      if (/-console\.\d+$/.test(name)) await this.unlessGone("vol-delete", "--pool", pool, name);
  }
}
