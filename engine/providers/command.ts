import { randomBytes } from "node:crypto";
import type { ExecOptions, ExecResult } from "../../lib/process";
import type { Properties } from "../../lib/properties";
import type { Context, Created, Invoke, Known, Provider } from "./provider";

/** What a failed command's message shows of its output, characters. */
const SHOWN_OUTPUT = 4_000;

/** Runs one command line for a Command resource or function; fails when it does. */
export type RunCommand = (
  command: string,
  inputs: Properties,
  previous: Properties,
  context: Context,
) => Promise<Properties>;

/**
 * The life of a Command resource, local or remote: only `triggers` replace it; any other change runs `update`, or
 * `create` again where there is none.
 */
export function commandProvider(run: RunCommand): Provider & Required<Pick<Provider, "update" | "delete">> {
  const maybe = (command: unknown, resource: Omit<Known, "id">, context: Context): Promise<Properties> =>
    typeof command === "string"
      ? run(command, resource.inputs, resource.outputs, context)
      : Promise.resolve(resource.outputs);
  return {
    replaceOn: ["triggers"],
    computed: ["stdout", "stderr"],
    outputsFollowInputs: true,
    create: async (inputs, context): Promise<Created> => ({
      id: context.name + randomBytes(4).toString("hex"),
      outputs: await maybe(inputs.create, { inputs, outputs: { stdout: "", stderr: "" } }, context),
    }),
    update: (resource, inputs, context) =>
      maybe(inputs.update ?? inputs.create, { inputs, outputs: resource.outputs }, context),
    delete: async (resource, context) => {
      await maybe(resource.inputs.delete, resource, context);
    },
  };
}

/** Brings a command to where it is to run. `options.env` has its own variables only. */
type Carry = (
  command: string,
  inputs: Properties,
  options: ExecOptions & Required<Pick<ExecOptions, "env" | "onLine">>,
  context: Context,
) => Promise<ExecResult>;

/** What local and remote commands share: stdin, variables, which lines are shown, and what a failure says. */
export function running(carry: Carry): RunCommand {
  return async (command, inputs, previous, context) => {
    const { stdin, logging = "stdoutAndStderr" } = inputs;
    const options = {
      stdin: stdin as string | undefined,
      env: variables(inputs, previous),
      signal: context.signal,
      onLine: (line: string, stream: "stdout" | "stderr") => {
        if (logging === "stdoutAndStderr" || logging === stream) context.log(line);
      },
    };
    const { code, stdout, stderr, output } = await carry(command, inputs, options, context);
    if (code === 0) return { stdout: stdout.replace(/\n$/, ""), stderr: stderr.replace(/\n$/, "") };
    const { host } = (inputs.connection ?? {}) as Properties;
    const where = typeof host === "string" ? ` on ${host}` : "";
    const said = output.trimEnd();
    const shown = said.length > SHOWN_OUTPUT ? `…${said.slice(-SHOWN_OUTPUT)}` : said;
    throw new Error(`exit status ${code}${where}: running ${JSON.stringify(command)}:\n${shown}`);
  };
}

/** The command's environment, and the previous run's output unless the program wants none. */
function variables(inputs: Properties, previous: Properties): Record<string, string> {
  const wanted = inputs.addPreviousOutputInEnv !== false;
  const outputs = { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr };
  const given = Object.entries((inputs.environment ?? {}) as Properties);
  const all = [...given, ...Object.entries(wanted ? outputs : {}).filter(([, value]) => Boolean(value))];
  return Object.fromEntries(all.map(([name, value]) => [name, String(value)]));
}

const runLocally = running((command, inputs, { env, ...options }, context) => {
  for (const input of ["assetPaths", "archivePaths"]) {
    if (inputs[input] !== undefined)
      throw new Error(`the embedded engine does not support ${input}; use --engine pulumi`);
  }
  const interpreter = (inputs.interpreter as readonly string[] | undefined) ?? ["/bin/sh", "-c"];
  const [file = "/bin/sh", ...args] = [...interpreter, command];
  const cwd = inputs.dir as string | undefined;
  return context.exec(file, args, { ...options, cwd, env: { ...process.env, ...env } });
});

/** command.local.Command */
export const localCommand = commandProvider(runLocally);

/** command.local.run: runs on every preview and up, and leaves nothing in the state. */
export const localRun: Invoke = async (args, context): Promise<Properties> => {
  if (typeof args.command !== "string") throw new Error("command:local:run: command is missing");
  return { ...args, ...(await runLocally(args.command, args, {}, context)) };
};
