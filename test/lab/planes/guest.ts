/** The guest in which both planes run. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { exec } from "../../../lib/process";
import type { DirectorMode } from "../../../model/lab/types";
import { MODULE } from "./files";
import { SERVERS } from "./fleet";

/** How one daemon ended. */
export interface Ended {
  readonly pair: number;
  readonly mode: DirectorMode;
  readonly state: string;
  readonly restarts: number;
  /** Lines of its table, sorted. */
  readonly table: readonly string[];
}

export class Bed {
  private constructor(
    private readonly holder: ChildProcess,
    private readonly program: string,
  ) {}

  /** @param pairs so many of both daemons run at a time */
  static async open(pairs: number): Promise<Bed> {
    const holder = spawn(join(__dirname, "guest.sh"), { stdio: ["pipe", "pipe", "inherit"] });
    const gone = once(holder, "exit").then(() => {
      throw new Error("the guest could not be started");
    });
    gone.catch(() => undefined);
    const [line] = (await Promise.race([gone, once(holder.stdout, "data")])) as [Buffer];
    const bed = new Bed(holder, line.toString().trim());
    await bed.inside("mkdir -p /usr/local/lib/lvs-dr; cat >/usr/local/lib/lvs-dr/Ldirectord.pm", MODULE());
    await bed.inside(`bed.sh make ${pairs}`, SERVERS);
    return bed;
  }

  /** Runs a command in the guest. @returns what it prints */
  async inside(command: string, stdin = ""): Promise<string> {
    return must(this.program, [command], stdin);
  }

  /**
   * Both daemons of each pair, from their start until their tables are as expected, or have had time for it.
   * @param directory a pair's files each, by its number; bed.sh says which
   * @param hold seconds for which the tables must stay so
   */
  async run(directory: string, hold: number): Promise<Ended[]> {
    const script = 'tar -C "$1" -c . | "$2" "bed.sh run $3"';
    const text = await must("bash", [
      "-o",
      "pipefail",
      "-c",
      script,
      "bash",
      directory,
      this.program,
      String(hold),
    ]);
    const [, ...blocks] = text.split(/^== /m);
    return blocks.map((block) => {
      const [head = "", ...table] = block.trimEnd().split("\n");
      const [pair, mode, state = "", restarts] = head.split(" ");
      return { pair: Number(pair), mode: mode as DirectorMode, state, restarts: Number(restarts), table };
    });
  }

  async close(): Promise<void> {
    const ended = once(this.holder, "exit");
    this.holder.stdin?.end();
    await ended;
  }
}

async function must(file: string, args: readonly string[], stdin = ""): Promise<string> {
  const signal = AbortSignal.timeout(800_000);
  const { code, stdout, stderr } = await exec(file, args, { stdin, signal });
  if (code !== 0) throw new Error(`${args.at(-1)}: exit ${code}: ${stderr}`);
  return stdout;
}
