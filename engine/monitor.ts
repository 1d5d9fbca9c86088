import * as grpc from "@grpc/grpc-js";
import * as empty from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { EngineService, type IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb";
import * as engineProto from "@pulumi/pulumi/proto/engine_pb";
import { ResourceMonitorService, type IResourceMonitorServer } from "@pulumi/pulumi/proto/resource_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/resource_pb";
import type { Properties, Value } from "../lib/properties";
import type { Registered } from "./deployment";
import type { Goal } from "./goal";
import { InterruptedError, messageOf } from "./run";

/** What the services hand on to the engine. */
export interface Handlers {
  register(goal: Goal): Promise<Registered>;
  setOutputs(urn: string, outputs: Properties): void;
  invoke(token: string, args: Properties): Promise<Properties>;
  log(severity: "info" | "warning" | "error", message: string, urn: string): void;
}

const feature = proto.ResourceMonitorFeature;
/**
 * The features the program may use. Resource references and output values stay off: a resource then travels as its id
 * and an output as its value, while dependencies come with the registration and secrets keep their wrapping.
 */
const FEATURES = [
  feature.RESOURCE_MONITOR_FEATURE_SECRETS,
  feature.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  feature.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
];

type Reply<T> = grpc.sendUnaryData<T>;
type Call<T> = grpc.ServerUnaryCall<T, unknown>;

/** Answers each call with what `work` yields; an interruption looks to the program like an engine that has gone. */
function unary<Req, Res>(work: (request: Req) => Promise<Res> | Res) {
  return (call: Call<Req>, reply: Reply<Res>): void => {
    void (async () => work(call.request))().then(
      (response) => reply(null, response),
      (error: unknown) => {
        const code = error instanceof InterruptedError ? grpc.status.UNAVAILABLE : grpc.status.UNKNOWN;
        reply({ code, details: messageOf(error) });
      },
    );
  };
}

const nothing = (): empty.Empty => new empty.Empty();
const refuse = (what: string) =>
  unary(() => Promise.reject(new Error(`the embedded engine does not support ${what}; use --engine pulumi`)));
/** Every method of a service, refused by its name. */
const refusing = (service: object): Record<string, ReturnType<typeof refuse>> =>
  Object.fromEntries(Object.keys(service).map((method) => [method, refuse(method)]));

/**
 * Serves Pulumi's ResourceMonitor and Engine services on a Unix socket: unlike a TCP port it can be reached by nobody
 * but its owner, which matters because whoever can register a local command can run it.
 */
export async function serve(socket: string, handlers: Handlers): Promise<grpc.Server> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  const monitor = {
    getDeploymentInfo: unary(() => {
      const info = new proto.DeploymentInfo();
      info.setSupportedfeaturesList(FEATURES);
      return info;
    }),
    registerPackage: unary((request: proto.RegisterPackageRequest) => {
      const response = new proto.RegisterPackageResponse();
      response.setRef(`${request.getParameterization()?.getName() ?? request.getName()}`);
      return response;
    }),
    registerResource: unary(async (request: proto.RegisterResourceRequest) =>
      toResponse(await handlers.register(toGoal(request)), toGoal(request)),
    ),
    registerResourceOutputs: unary((request: proto.RegisterResourceOutputsRequest) => {
      handlers.setOutputs(request.getUrn(), toProperties(request.getOutputs()));
      return nothing();
    }),
    invoke: unary(async (request: proto.ResourceInvokeRequest) => {
      const response = new proto.ResourceInvokeResponse();
      response.setReturn(toStruct(await handlers.invoke(request.getTok(), toProperties(request.getArgs()))));
      return response;
    }),
    signalAndWaitForShutdown: unary(nothing),
  } satisfies Partial<IResourceMonitorServer>;
  const engine = {
    log: unary((request: engineProto.LogRequest) => {
      // Debug messages carry every property in the clear, private keys included: they end here.
      const severity = (["debug", "info", "warning", "error"] as const)[request.getSeverity()] ?? "debug";
      if (severity !== "debug") handlers.log(severity, request.getMessage(), request.getUrn());
      return nothing();
    }),
    setRootResource: unary(() => new engineProto.SetRootResourceResponse()),
    requirePulumiVersion: unary(() => new engineProto.RequirePulumiVersionResponse()),
  } satisfies Partial<IEngineServer>;
  server.addService(ResourceMonitorService, { ...refusing(ResourceMonitorService), ...monitor });
  server.addService(EngineService, { ...refusing(EngineService), ...engine });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return server;
}

const toProperties = (struct: Struct | undefined): Properties => (struct?.toJavaScript() ?? {}) as Properties;
const toStruct = (properties: Properties): Struct =>
  Struct.fromJavaScript(properties as Parameters<typeof Struct.fromJavaScript>[0]);

/** @throws Error naming an option that is not known here: what it asks for must not be left undone in silence */
export function toGoal(request: proto.RegisterResourceRequest): Goal {
  // `triggers[*]`, as @pulumi/command has it, means the whole of it.
  const whole = (paths: readonly string[]): string[] => paths.map((path) => path.replace(/\[\*\]$/, ""));
  const ignoreChanges = whole(request.getIgnorechangesList());
  const replaceOnChanges = whole(request.getReplaceonchangesList());
  const unsupported = {
    import: request.getImportid() !== "",
    "remote components": request.getRemote(),
    transforms: request.getTransformsList().length > 0,
    "state migrations": request.getStateMigrationsList().length > 0,
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    deletedWith: request.getDeletedwith() !== "",
    "options that name a part of an input": [...ignoreChanges, ...replaceOnChanges].some((path) =>
      /[.[]/.test(path),
    ),
    // An empty one comes with every request.
    customTimeouts: Object.values(request.getCustomtimeouts()?.toObject() ?? {}).some(Boolean),
  };
  for (const [option, used] of Object.entries(unsupported)) {
    if (used) throw new Error(`the embedded engine does not support ${option}; use --engine pulumi`);
  }
  return {
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    custom: request.getCustom(),
    inputs: toProperties(request.getObject()),
    provider: request.getProvider(),
    dependencies: request.getDependenciesList(),
    propertyDependencies: Object.fromEntries(
      request
        .getPropertydependenciesMap()
        .getEntryList()
        .map(([key]) => [key, request.getPropertydependenciesMap().get(key)?.getUrnsList() ?? []]),
    ),
    ignoreChanges,
    replaceOnChanges,
    ...(request.getDeletebeforereplacedefined()
      ? { deleteBeforeReplace: request.getDeletebeforereplace() }
      : {}),
    replaceWith: request.getReplaceWithList(),
    ...(request.hasReplacementTrigger() && {
      replacementTrigger: request.getReplacementTrigger()?.toJavaScript() as Value,
    }),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: request.getAliasurnsList(),
  };
}

/** The answer on the wire. Whatever has not succeeded has failed: Pulumi's protocol has had no word for "skipped" since 3.273. */
export function toResponse(registered: Registered, goal: Goal): proto.RegisterResourceResponse {
  const response = new proto.RegisterResourceResponse();
  response.setUrn(registered.urn);
  response.setId(registered.id);
  response.setObject(toStruct(goal.custom ? registered.outputs : goal.inputs));
  // A failure makes the program see unknown outputs, so that it goes on with what does not depend on them.
  response.setResult(registered.ok ? proto.Result.SUCCESS : proto.Result.FAIL);
  return response;
}
