/** Where drills run: one stack's guests, and the host's power over them. */
import type { Access } from "../model/lab/access";
import { serviceUrl, type Lab } from "../model/lab/types";
import { GuestShell, type Shell } from "../lib/ssh";
import { anyCertificate, curlOptions } from "../health/requests";
import { askHolder } from "../health/observe";
import { withHolder } from "../model/lab/directors";
import { readStatus } from "../health/status";

/** The host's power switch, by domain. */
export interface Power {
  off(domain: string): Promise<void>;
  /**
   * @returns whether it had none
   * @throws Error at once where the host that has it does not answer
   */
  on(domain: string): Promise<boolean>;
}

export interface EnvironmentOptions {
  readonly access: Access;
  readonly power: Power;
  readonly say: (line: string) => void;
  /** Ends what is under way; healing still runs. */
  readonly signal: AbortSignal;
  /** Multiplies every promised time; without it, 2 where the guests have no KVM. */
  readonly timeScale?: number;
  /** Name of the real server that is hit; the first in rotation without it. */
  readonly target?: string;
  /** Seconds for which a fault lasts that has to be endured instead of repaired; 300 without it. */
  readonly soakSeconds?: number;
}

export class Environment {
  /** With the director first that held the VIPs when the last run began. */
  lab: Lab;
  readonly power: Power;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** The real server that a persistent main service keeps the client on. */
  private stuckTo: string | undefined;
  private current: GuestShell;
  private readonly old: GuestShell[] = [];
  private measured = 1;

  private constructor(
    private readonly access: Access,
    private readonly options: EnvironmentOptions,
    private readonly translated: boolean,
    shell: GuestShell,
  ) {
    this.lab = access.lab;
    this.power = options.power;
    this.say = options.say;
    this.signal = options.signal;
    this.current = shell;
  }

  static async open(options: EnvironmentOptions): Promise<Environment> {
    const shell = drillShell(options.access);
    // qemu: no KVM, every instruction is translated.
    const { stdout } = await shell.run(options.access.lab.directors[0].name, "systemd-detect-virt");
    const environment = new Environment(options.access, options, stdout.trim() === "qemu", shell);
    await environment.findHolder();
    return environment;
  }

  /** For a lab with two directors; `lab` has the one first that holds the VIPs now. */
  async findHolder(): Promise<void> {
    this.heldBy(await askHolder(this.current, this.lab));
  }

  /** For who knows it, and would wait for a director without power. */
  heldBy(name: string | undefined): void {
    this.lab = withHolder(this.lab, name);
  }

  get soakSeconds(): number {
    return this.options.soakSeconds ?? SOAK;
  }

  /** Name of the real server that is hit; undefined = the first in rotation. Under persistence no other than the client's own would be missed. */
  get target(): string | undefined {
    return this.options.target ?? this.stuckTo;
  }

  /** What promised times are multiplied with. */
  get timeScale(): number {
    return this.options.timeScale ?? this.measured;
  }

  /** Before each run, since a fault may have moved the client to another server. */
  async prepare(): Promise<void> {
    await this.findHolder();
    await this.calibrate();
    this.stuckTo = await stickyServer(this.current, this.lab);
  }

  /**
   * Without KVM times are twice those promised, and more while the host has other work: what the director needs for a
   * few process starts, which is what a health check mostly consists of, tells by how much.
   */
  private async calibrate(): Promise<void> {
    if (!this.translated || this.options.timeScale !== undefined) return;
    const { stdout } = await this.current.run(this.lab.directors[0].name, TIMED_STARTS);
    const [begun = NaN, ended = NaN] = stdout.trim().split(" ").map(Number);
    this.measured = scaleFor((ended - begun) / STARTS);
  }

  /**
   * What is amiss in the lab, a sentence each; empty when it is as configured. What a first look finds counts only if a
   * second look finds the lab amiss too: a check may have been under way.
   */
  async amiss(): Promise<readonly string[]> {
    const { problems } = await readStatus(this.current, this.lab);
    return problems.length === 0 ? problems : (await readStatus(this.current, this.lab)).problems;
  }

  get shell(): GuestShell {
    return this.current;
  }

  /** New connections from now on, for after a guest was away. What runs on the old ones, such as a load, goes on. */
  renewShell(): void {
    this.old.push(this.current);
    this.current = drillShell(this.access);
  }

  /** A shell of one's own, to close by oneself. */
  ownShell(): GuestShell {
    return drillShell(this.access);
  }

  async close(): Promise<void> {
    await Promise.all([...this.old.splice(0), this.current].map((shell) => shell.close()));
  }
}

/** The lab with that service in the place of its main one, which is what drills hit and ask. */
export function withFirst(lab: Lab, name?: string): Lab {
  if (name === undefined) return lab;
  const first = lab.services.find((service) => service.name === name);
  if (first === undefined)
    throw new Error(
      `there is no service '${name}'; there are ${lab.services.map((each) => each.name).join(", ")}`,
    );
  return { ...lab, services: [first, ...lab.services.filter((service) => service !== first)] };
}

/** The real server to which persistence sends the client; undefined without persistence, or where nobody answers. */
export async function stickyServer(
  shell: Shell,
  { clients, services: [service] }: Pick<Lab, "clients" | "services">,
): Promise<string | undefined> {
  if (service.persistent === undefined) return undefined;
  const url = serviceUrl(service);
  const { stdout } = await shell.run(
    clients[0].name,
    `curl ${curlOptions(5)}${anyCertificate(url)} -o /dev/null -w '%header{x-real-server}' ${url}`,
  );
  return service.realServers.find(({ name }) => name === stdout.trim())?.name;
}

/** Ctrl-C is for the drill, not for its commands: one of them may be repairing the lab. */
function drillShell(access: Access): GuestShell {
  return new GuestShell(access, access.lab, { detached: true });
}

const SOAK = 300;
const STARTS = 25;
const TIMED_STARTS = `a=$EPOCHREALTIME; for ((i = 0; i < ${STARTS}; i++)); do /bin/true; done; echo "$a $EPOCHREALTIME"`;
/** Seconds for a process start in a guest without KVM, on a host with nothing else to do. */
const QUIET_START = 0.022;

/** 2 on a quiet host, at most 5: beyond that nothing is measured but the host. */
export function scaleFor(secondsPerStart: number): number {
  const slower = Number.isFinite(secondsPerStart) ? secondsPerStart / QUIET_START : 1;
  return Math.round(2 * Math.min(2.5, Math.max(1, slower)) * 10) / 10;
}
