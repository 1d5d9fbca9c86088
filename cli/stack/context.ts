/** One stack as the commands see it: its names, its directory, its engine, and its guests once they exist. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { HostPlace } from "../../lib/hostPlace";
import { GuestShell, type Login } from "../../lib/ssh";
import { acquireLock } from "../../lib/lock";
import { machineLogins } from "../../model/lab/access";
import { guestsOf, type Lab } from "../../model/lab/types";
import { LIBVIRT_URI } from "../../model/lab/hosts";
import { bridgeFor, prefixFor, PROJECT } from "../../model/lab/naming";
import type { Backend, EngineChoice } from "../backends/backend";
import { appliedFile, lastApplied } from "./applied";
import { stackFile, type StackConfig } from "./stackFile";
import { EmbeddedBackend } from "../backends/embedded/backend";
import { PulumiBackend } from "../backends/pulumi/backend";
import { pulumiOnPath, requirePulumi } from "../backends/pulumi/install";
import { deleteEmptyDirectory, stackDirectory } from "./stackDirectory";
import { readRecorded, type Recorded } from "./recorded";
import { say } from "../terminal";
import { Virsh, type StackNames } from "./virsh";

/** In the stack's directory: what all that changes or breaks the stack holds meanwhile. */
export const STACK_LOCK = "stack";

export interface StackOptions {
  readonly stack: string;
  /** The stack's in a Pulumi backend, where one was named. */
  readonly organization?: string | undefined;
  /** Hosts that never return, by name. */
  readonly forgetHost?: readonly string[];
  readonly engine: EngineChoice;
  /** The configuration file that was named, absolute; without one, the stack's own. */
  readonly configFile?: string | undefined;
}

/** A host as the commands see it. */
export interface StackHost {
  /** Empty for the one host of a lab whose configuration names none. */
  readonly name: string;
  readonly virsh: Virsh;
  /** Of this host itself, nothing is the stack's. */
  readonly remote: boolean;
  /** Where another host is. */
  readonly place?: HostPlace;
}

function hostsOf(lab: Lab | undefined): StackContext["hosts"] {
  if (lab === undefined) return [{ name: "", virsh: new Virsh(LIBVIRT_URI), remote: false }];
  if (guestsOf(lab).length === 0) return [{ name: "", virsh: new Virsh(undefined), remote: true }];
  const [first, ...others] = lab.hosts.map(({ name, libvirtUri, remote }): StackHost => ({
    name,
    virsh: new Virsh(libvirtUri),
    remote: remote !== undefined,
    ...(remote && { place: { libvirtUri, address: remote.host, port: remote.port } }),
  }));
  return [first as StackHost, ...others];
}

// Once a lab is up, what was applied is known without its configuration's schema.
const load = createRequire(__filename);
const configured = (): typeof import("./stackLab") => load("./stackLab") as never;

export class StackContext {
  /** State, seeds and records of this stack; gone after `down`. */
  readonly directory: string;
  readonly backend: Backend;
  /** The hosts of its guests; one, of which nothing is asked, where it has none. */
  readonly hosts: readonly [StackHost, ...StackHost[]];

  constructor(readonly options: StackOptions) {
    this.directory = stackDirectory(options.stack);
    const lab = this.appliedOrConfigured();
    this.hosts = hostsOf(lab);
    const builtBy = this.builtBy();
    const wanted = options.engine === "auto" ? builtBy : options.engine;
    const engine = wanted ?? (pulumiOnPath() ? "pulumi" : "embedded");
    if (builtBy !== undefined && builtBy !== engine)
      throw new Error(
        `--engine ${engine}: stack ${options.stack} was built by engine ${builtBy}, which alone knows its guests; ` +
          "leave the option out, or run `scripts/lab down` without it first",
      );
    if (engine === "pulumi")
      requirePulumi(builtBy === engine ? `stack ${options.stack} was built with Pulumi` : "--engine pulumi");
    const { organization } = options;
    const file = options.configFile ?? stackFile(options.stack);
    // The one organization that Pulumi's own backends without a service have.
    if (engine === "embedded" && organization !== undefined && organization !== "organization")
      throw new Error(
        `--stack ${organization}/${options.stack}: the embedded engine knows no organizations: --stack ${options.stack}`,
      );
    const reference =
      organization === undefined ? options.stack : `${organization}/${PROJECT}/${options.stack}`;
    this.backend =
      engine === "pulumi"
        ? new PulumiBackend(options.stack, this.directory, this.hosts, file, reference)
        : new EmbeddedBackend(PROJECT, options.stack, this.directory, file);
  }

  /** libvirt of the first host. */
  get virsh(): Virsh {
    return this.hosts[0].virsh;
  }

  /** The engine whose state is here; a stack without any gets Pulumi, where it is to be had. What a backend of the user's own holds is not looked up. */
  private builtBy(): "pulumi" | "embedded" | undefined {
    if (existsSync(join(this.directory, "state.json"))) return "embedded";
    const stacks = join(this.directory, "pulumi/.pulumi/stacks", PROJECT);
    return existsSync(join(stacks, `${this.options.stack}.json`)) ? "pulumi" : undefined;
  }

  /**
   * The lab as its configuration describes it, secrets included.
   * @throws ConfigError; Error for what this engine cannot read
   */
  async configuredLab(): Promise<Lab> {
    const config = await this.backend.config();
    return configured().stackLab(PROJECT, this.options.stack, config, await this.labBefore(config));
  }

  /** The lab of the last `up` that succeeded, of which hosts keep what they have. Where none are listed, now or then, the state need not be read for it. */
  private async labBefore(config: StackConfig): Promise<Lab | undefined> {
    const applied = lastApplied(this.directory);
    const listed = `${PROJECT}:hosts` in config;
    if (applied !== undefined && !listed && applied.hosts.every(({ name }) => name === "")) return applied;
    return (await this.recorded()).access?.lab;
  }

  /**
   * Whoever leaves a configuration file out by mistake would get the default lab in the place of their own.
   * @throws Error naming the file
   */
  assertConfigured(): void {
    const { stack, configFile } = this.options;
    const before = appliedFile(this.directory);
    if (before === undefined || configFile !== undefined || existsSync(stackFile(stack))) return;
    throw new Error(
      `stack ${stack} was built with --config-file ${before}, and there is no ${stackFile(stack)}: ` +
        "name the file again, or copy it there",
    );
  }

  /** The lab to take names from: as last applied or, before that and only if valid, as configured. */
  private appliedOrConfigured(): Lab | undefined {
    const applied = lastApplied(this.directory);
    if (applied !== undefined) return applied;
    try {
      return configured().openLab(PROJECT, this.options);
    } catch {
      // `down` never needs a valid configuration.
      return undefined;
    }
  }

  /** What project and stack tell, and the rest as far as a lab that was applied or a valid configuration does. */
  names(): StackNames & {
    readonly bridges: readonly string[];
    /** Machines that exist, by node. */
    readonly machines: Login["hosts"];
    /** Without, `domains` is empty, and libvirt is taken to be this host's. */
    readonly labKnown: boolean;
  } {
    const lab = this.appliedOrConfigured();
    const { stack } = this.options;
    return {
      project: PROJECT,
      stack,
      prefix: prefixFor(PROJECT, stack),
      domains: lab ? guestsOf(lab).map((node) => node.domain) : [],
      bridges: (["client", "server"] as const)
        .filter((network) => lab?.segments[network].existingBridge === undefined)
        .map((network) => bridgeFor(PROJECT, stack, network)),
      labKnown: lab !== undefined,
      machines: lab === undefined ? {} : machineLogins(lab),
    };
  }

  /** The lab as of the last `up`; where that was run in another checkout, as the stack's state has it. */
  async lastLab(): Promise<Lab | undefined> {
    return lastApplied(this.directory) ?? (await this.recorded()).access?.lab;
  }

  /** The hosts of that lab, or of the first one to come. */
  async lastHosts(): Promise<StackContext["hosts"]> {
    const lab = await this.lastLab();
    return lab === undefined ? this.hosts : hostsOf(lab);
  }

  /** What the stack's state says of it, whether it is up or not. */
  async recorded(): Promise<Recorded> {
    return readRecorded(await this.backend.resources(), () => lastApplied(this.directory));
  }

  /**
   * The stack's outputs, secrets in the clear, and the way to its guests.
   * @throws Error that says what to do when the stack is not up
   */
  async built(): Promise<Required<Recorded>> {
    const { access, ...rest } = await this.recorded();
    if (access === undefined)
      throw new Error(`stack ${this.options.stack} is not up: run scripts/lab up first`);
    return { ...rest, access };
  }

  /** Runs `work` with connections to the guests, which end with it. */
  async withGuests<T>(work: (shell: GuestShell, lab: Lab) => Promise<T>): Promise<T> {
    const { access } = await this.built();
    const shell = new GuestShell(access, access.lab, { keepOpen: true });
    try {
      return await work(shell, access.lab);
    } finally {
      await shell.close();
    }
  }

  /**
   * Runs `work` while nothing else changes or breaks this stack: `up` would repair what a drill has broken, or count its fault
   * as the cluster's. A process that was killed does not stand in the way.
   * @param what others are told that we are
   * @throws LockedError naming what is at work, and its process
   */
  async alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    const unlock = acquireLock(join(this.directory, STACK_LOCK), what);
    try {
      return await work();
    } finally {
      unlock();
      deleteEmptyDirectory(this.options.stack);
    }
  }

  /** Ends connections to guests that are about to go. */
  forgetGuests(): void {
    GuestShell.forget(this.options);
  }

  announce(verb: string): void {
    say(
      `${verb} stack ${this.options.stack} with ${this.backend.engine === "pulumi" ? "Pulumi" : "the embedded engine"}`,
    );
  }
}
