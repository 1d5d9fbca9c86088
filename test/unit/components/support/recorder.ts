/** Runs a Pulumi program against mocks and records every registration as the engine would receive it. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";

/** The `RegisterResourceRequest` as far as it is read here; options and dependencies are in it, which mocks leave out. */
interface RegistrationRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getObject(): Struct | undefined;
  getDependenciesList(): string[];
  getProvider(): string;
  getProvidersMap(): { toArray(): [string, string][] };
  getVersion(): string;
  getPackageref(): string;
  getDeletebeforereplace(): boolean;
  getReplaceonchangesList(): string[];
  getReplacementTrigger(): { getStringValue(): string } | undefined;
  getIgnorechangesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getDeletedwith(): string;
  getReplaceWithList(): string[];
  getProtect(): boolean | undefined;
  getRetainondelete(): boolean | undefined;
  getAliasesList(): { getSpec(): { getNoparent(): boolean } | undefined }[];
  getImportid(): string;
  getCustomtimeouts(): { getCreate(): string; getUpdate(): string; getDelete(): string } | undefined;
}

type Callback = (error: unknown, response?: unknown) => void;

/** What pulumi.runtime.setMocks puts in the monitor's place. */
interface Monitor {
  registerResource(request: RegistrationRequest, callback: Callback): void;
  registerResourceOutputs(
    request: { getUrn(): string; getOutputs(): Struct | undefined },
    callback: Callback,
  ): void;
  registerPackage(request: PackageRequest, callback: Callback): void;
}

interface PackageRequest {
  getName(): string;
  getVersion(): string;
  getParameterization(): { getName(): string; getVersion(): string; getValue_asB64(): string } | undefined;
}

/** A plugin that becomes another one by a parameter. */
export interface PackageRegistration {
  readonly base: string;
  readonly name: string;
  readonly version: string;
  /** Base64. */
  readonly parameter: string;
}

export interface Options {
  /** `TYPE NAME` of everything it waits for, by option or by input; sorted. */
  readonly dependsOn?: readonly string[];
  /** Name of the explicit provider; of a component, of the one that its children use. */
  readonly provider?: string;
  readonly deleteBeforeReplace?: true;
  readonly replaceOnChanges?: readonly string[];
  readonly replacementTrigger?: string;
  readonly ignoreChanges?: readonly string[];
  readonly additionalSecretOutputs?: readonly string[];
  readonly replaceWith?: readonly string[];
  readonly deletedWith?: string;
  /** Whether it was once the stack's own child. */
  readonly wasTopLevel?: true;
  /** Any of those that the program never uses. */
  readonly unexpected?: readonly string[];
}

export interface Registration {
  readonly type: string;
  readonly name: string;
  /** `TYPE NAME`. */
  readonly parent: string;
  /** Secrets are `{secret: value}`, what isn't known yet is UNKNOWN. */
  readonly inputs: Record<string, unknown>;
  readonly options: Options;
}

export interface Invocation {
  readonly token: string;
  readonly inputs: Record<string, unknown>;
}

export interface Recording {
  /** In no certain order: registrations that do not wait for one another run at once. */
  readonly registrations: readonly Registration[];
  readonly urns: readonly string[];
  readonly invocations: readonly Invocation[];
  /** What each component registered as its outputs, by `TYPE NAME`. */
  readonly componentOutputs: Readonly<Record<string, unknown>>;
  /** The stack's outputs. */
  readonly outputs: Record<string, unknown>;
  /** Versions of plugins by type, and the package reference of parameterized ones. */
  readonly plugins: Readonly<Record<string, string>>;
  readonly packages: readonly PackageRegistration[];
}

export interface RunOptions {
  readonly project?: string;
  readonly stack?: string;
  /** By key with the project's name before it, as Pulumi hands them over. */
  readonly config?: Readonly<Record<string, string>>;
  /** A preview in which no resource exists yet. */
  readonly preview?: boolean;
  /** Answers invokes. */
  readonly call?: (invocation: Invocation) => Record<string, unknown>;
}

export const UNKNOWN = "<unknown>";
const UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Pulumi's wire format without its signatures. */
function readable(value: unknown): unknown {
  if (value === UNKNOWN_VALUE) return UNKNOWN;
  if (Array.isArray(value)) return value.map(readable);
  if (value === null || typeof value !== "object") return value;
  const object = value as Record<string, unknown>;
  if (object[SIGNATURE] === SECRET) return { secret: readable(object.value) };
  return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, readable(inner)]));
}

/** `TYPE NAME` of a URN, or "" of none. */
function short(urn: string): string {
  const [, , types = "", name = ""] = urn.split("::");
  return urn === "" ? "" : `${types.split("$").at(-1)} ${name}`;
}

function optionsOf(request: RegistrationRequest): Options {
  const text = <K extends keyof Options>(key: K, value: string) => (value === "" ? {} : { [key]: value });
  const list = <K extends keyof Options>(key: K, value: readonly string[]) =>
    value.length === 0 ? {} : { [key]: value };
  const providers = [
    request.getProvider(),
    ...request
      .getProvidersMap()
      .toArray()
      .map(([, ref]) => ref),
  ];
  const timeouts = request.getCustomtimeouts();
  const aliases = request.getAliasesList();
  const topLevel = aliases.length === 1 && aliases[0]?.getSpec()?.getNoparent() === true;
  const unexpected = {
    aliases: aliases.length > 0 && !topLevel,
    protect: request.getProtect() === true,
    retainOnDelete: request.getRetainondelete() === true,
    import: request.getImportid() !== "",
    customTimeouts: [timeouts?.getCreate(), timeouts?.getUpdate(), timeouts?.getDelete()].some(Boolean),
  };
  return {
    ...list("dependsOn", request.getDependenciesList().map(short).sort()),
    ...text(
      "provider",
      providers
        .filter(Boolean)
        .map((ref) => ref.split("::")[3] ?? "")
        .join(),
    ),
    ...(request.getDeletebeforereplace() && { deleteBeforeReplace: true as const }),
    ...list("replaceOnChanges", request.getReplaceonchangesList()),
    ...text("replacementTrigger", request.getReplacementTrigger()?.getStringValue() ?? ""),
    ...list("ignoreChanges", request.getIgnorechangesList()),
    ...list("additionalSecretOutputs", request.getAdditionalsecretoutputsList()),
    ...list("replaceWith", request.getReplaceWithList().map(short)),
    ...text("deletedWith", short(request.getDeletedwith())),
    ...(topLevel && { wasTopLevel: true as const }),
    ...list(
      "unexpected",
      Object.entries(unexpected).flatMap(([key, used]) => (used ? [key] : [])),
    ),
  };
}

/** A random text that depends on nothing but the stack and the resource's name. */
export function randomText(stack: string, name: string): string {
  return createHash("sha256").update(`${stack}/${name}`).digest("hex");
}

/** What a provider would add to a resource's inputs. */
function created(
  stack: string,
  { type, name, inputs }: pulumi.runtime.MockResourceArgs,
): Record<string, unknown> {
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      return { result: pulumi.secret(randomText(stack, name)) };
    case "libvirt:index/volume:Volume":
      return { path: `/pools/${inputs.pool}/${inputs.name}` };
    case "libvirt:index/pool:Pool":
    case "libvirt:index/network:Network":
      return {};
    case "libvirt:index/domain:Domain":
      return { uuid: `${name}-uuid` };
    case "command:local:Command":
    case "command:remote:Command":
    case "pulumi:providers:libvirt":
      return {};
    default:
      throw new Error(`no such resource is expected: ${type} ${name}`);
  }
}

// The store in which the runtime keeps one program's state, as Pulumi's own inline programs have it.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { withLocalStorage } = require("@pulumi/pulumi/runtime/state") as {
  withLocalStorage<T>(run: () => Promise<T>): Promise<T>;
};

/** The runtime takes the stack of every promise it makes: without that, a program runs in half the time. */
async function withoutStackTraces<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    // Runs may overlap: whoever came first knows the limit.
    if (stackTraceLimit > 0) Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Runs `program` as Pulumi would, in a stack of its own.
 * @throws whatever the program throws; `partial` then holds what was registered before
 */
export function run(
  program: () => unknown,
  options: RunOptions = {},
  partial?: (recording: Pick<Recording, "registrations" | "urns">) => void,
): Promise<Recording> {
  const { project = "lvs-dr", stack = "dev", config = {}, preview = false } = options;
  return withLocalStorage(async () => {
    const registrations: Registration[] = [];
    const urns: string[] = [];
    const invocations: Invocation[] = [];
    const componentOutputs: Record<string, unknown> = {};
    const plugins: Record<string, string> = {};
    let outputs: Record<string, unknown> = {};

    await pulumi.runtime.setMocks(
      {
        newResource: (args) => {
          // A component has neither an ID nor a provider.
          if (args.custom !== true) return { id: undefined, state: args.inputs };
          const state = preview ? {} : created(stack, args);
          return { id: preview ? undefined : `${args.name}-id`, state: { ...args.inputs, ...state } };
        },
        call: ({ token, inputs }) => {
          const invocation = { token, inputs: readable(inputs) as Record<string, unknown> };
          invocations.push(invocation);
          if (options.call === undefined) throw new Error(`no invoke is expected: ${token}`);
          return options.call(invocation);
        },
      },
      project,
      stack,
      preview,
      "organization",
    );
    pulumi.runtime.setAllConfig({ ...config });

    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const { registerResource, registerResourceOutputs, registerPackage } = monitor;
    const packages: PackageRegistration[] = [];
    monitor.registerPackage = (request, callback) => {
      const parameterization = request.getParameterization();
      packages.push({
        base: `${request.getName()} ${request.getVersion()}`,
        name: parameterization?.getName() ?? "",
        version: parameterization?.getVersion() ?? "",
        parameter: parameterization?.getValue_asB64() ?? "",
      });
      registerPackage.call(monitor, request, callback);
    };
    monitor.registerResource = (request, callback) => {
      const type = request.getType();
      const plugin = request.getPackageref() || request.getVersion();
      if (plugin !== "") plugins[type] = plugin;
      registrations.push({
        type,
        name: request.getName(),
        parent: short(request.getParent()),
        inputs: readable(request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
        options: optionsOf(request),
      });
      registerResource.call(monitor, request, (error, response) => {
        if (response !== undefined) urns.push((response as { getUrn(): string }).getUrn());
        callback(error, response);
      });
    };
    monitor.registerResourceOutputs = (request, callback) => {
      const values = readable(request.getOutputs()?.toJavaScript() ?? {}) as Record<string, unknown>;
      const name = short(request.getUrn());
      if (name in componentOutputs) throw new Error(`${name} registers its outputs twice`);
      componentOutputs[name] = values;
      if (name.startsWith("pulumi:pulumi:Stack ")) outputs = values;
      registerResourceOutputs.call(monitor, request, callback);
    };

    partial?.({ registrations, urns });
    const failures: unknown[] = [];
    await withoutStackTraces(async () => {
      await pulumi.runtime.runInPulumiStack(async () => {
        try {
          return await program();
        } catch (error) {
          failures.push(error);
          return {};
        }
      });
      await (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
    });
    if (failures.length > 0) throw failures[0];
    return { registrations, urns, invocations, componentOutputs, outputs, plugins, packages };
  });
}

/** The one registration of that type and name. */
export function find({ registrations }: Recording, type: string, name: string): Registration {
  const found = registrations.filter((each) => each.type === type && each.name === name);
  if (found.length !== 1) throw new Error(`${found.length} registrations of ${type} ${name}`);
  return found[0] as Registration;
}
