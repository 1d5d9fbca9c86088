/** The lab and its parts as the tests in this directory need them. */
import type * as pulumi from "@pulumi/pulumi";
import { READ_RESOURCE_OUTPUTS, READ_STACK_OUTPUTS } from "../../../../program/handoverProbe";
import { DRY_RUN } from "../../../../program/ldirectordProbe";
import { preflight } from "../../../../program/preflight";
import { WHERE } from "../../../../program/reach";
import { parseConfig } from "../../../../model/config/config";
import type { HostFacts } from "../../../../model/host/checks";
import type { Lab } from "../../../../model/lab/types";
import type { LvsClusterArgs } from "../../../../packages/lvs-dr/args";
import {
  run,
  type Invocation,
  type Options,
  type Recording,
  type Registration,
  type RunOptions,
} from "./recorder";

export const RANDOM = "random:index/randomPassword:RandomPassword";
export const POOL = "libvirt:index/pool:Pool";
export const NETWORK = "libvirt:index/network:Network";
export const VOLUME = "libvirt:index/volume:Volume";
export const DOMAIN = "libvirt:index/domain:Domain";
export const LOCAL = "command:local:Command";
export const REMOTE = "command:remote:Command";

/** Configuration as a person would write it; structures become the JSON that Pulumi hands over. */
export type Config = Readonly<Record<string, unknown>>;

export function lab(config: Config = {}, stack = "dev"): Lab {
  return parseConfig(config, { project: "lvs-dr", stack });
}

export interface ProgramOptions extends Omit<RunOptions, "config" | "call"> {
  readonly config?: Config;
  /** What the host's scripts find out. */
  readonly facts?: HostFacts;
  readonly accelerator?: string;
  /** What the host's ldirectord makes of the configuration. */
  readonly dryRun?: string;
  /** Where the host's guests can be reached. */
  readonly where?: string;
  /** The outputs of the stack's last `up`; for a cluster of the package those of its resources, by URN. */
  readonly previous?: Readonly<Record<string, unknown>>;
}

export const HEALTH = { status: "healthy", services: [] };

/** Answers the program's questions about the host; anything else is an error. */
function hostAnswers({
  facts = {},
  accelerator = "kvm",
  dryRun = "ldirectord is not installed\nexit 3",
  where = "here",
  previous = {},
}: ProgramOptions) {
  return ({ token, inputs }: Invocation): Record<string, unknown> => {
    if (token === READ_RESOURCE_OUTPUTS) return { ...inputs, outputs: previous };
    if (token === READ_STACK_OUTPUTS) return { ...inputs, outputs: previous };
    const answers: Record<string, string> = {
      [WHERE]: `${where}\n`,
      "bash scripts/host/facts.sh": JSON.stringify(facts),
      [DRY_RUN]: dryRun,
      "bash scripts/host/accelerator.sh": `${accelerator}\n`,
      "node --import tsx health/observeMain.ts": JSON.stringify(HEALTH),
    };
    const stdout = answers[String(inputs.command)];
    if (token !== "command:local:run" || stdout === undefined) {
      throw new Error(`no such invoke is expected: ${token} ${JSON.stringify(inputs)}`);
    }
    return { stdout };
  };
}

/** Runs the whole program, index.ts. */
export function runProgram(
  options: ProgramOptions = {},
  partial?: Parameters<typeof run>[2],
): Promise<Recording> {
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const project = options.project ?? "lvs-dr";
  const config = Object.fromEntries(
    Object.entries(options.config ?? {}).map(([key, value]) => [`${project}:${key}`, text(value)]),
  );
  const program = async () => {
    // Not before the mocks are in place: the SDK of the libvirt package registers itself when it is loaded.
    const { default: main } = (await import("../../../../index")) as unknown as {
      default: () => Promise<unknown>;
    };
    return main();
  };
  return run(program, { ...options, config, call: hostAnswers(options) }, partial);
}

/** Runs a program with clusters of the package, by name. */
export function runClusters(
  clusters: Readonly<Record<string, LvsClusterArgs>>,
  options: ProgramOptions = {},
): Promise<Recording> {
  const program = async () => {
    const { LvsCluster } = await import("../../../../packages/lvs-dr/lvsCluster");
    const made = Object.entries(clusters).map(([name, args]) => new LvsCluster(name, args));
    return { vips: made.map(({ vip }) => vip), health: made.map(({ health }) => health) };
  };
  return run(program, { ...options, config: {}, call: hostAnswers(options) });
}

/**
 * What clusters of one program do first.
 * @throws what the first of them refuses
 */
export function runPreflights(
  clusters: Readonly<Record<string, LvsClusterArgs>>,
  options: ProgramOptions = {},
): Promise<Recording> {
  const program = async () => {
    for (const [name, args] of Object.entries(clusters)) await preflight(name, args);
  };
  return run(program, { ...options, config: {}, call: hostAnswers(options) });
}

/** Runs `build` with the libvirt provider for components; what it returns are the stack's outputs. */
export function runWithLibvirt(
  build: (opts: pulumi.ComponentResourceOptions) => unknown,
  options: RunOptions = {},
): Promise<Recording> {
  return run(async () => {
    const { Provider } = await import("@pulumi/libvirt");
    const libvirt = new Provider("libvirt", { uri: "qemu:///system" });
    return build({ providers: { libvirt } });
  }, options);
}

/** Everything registered but the stack and the explicit provider, in the order of `TYPE NAME`. */
export function resources({ registrations }: Recording): Registration[] {
  const key = ({ type, name }: Registration): string => `${type} ${name}`;
  return registrations
    .filter(({ type }) => !type.startsWith("pulumi:"))
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** A component without inputs that hands the libvirt provider to its children. */
export function component(
  type: string,
  name: string,
  options: Options = { provider: "libvirt" },
): Registration {
  return { type, name, parent: "pulumi:pulumi:Stack lvs-dr-dev", inputs: {}, options };
}
