import { randomBytes } from "node:crypto";
import type { ExecResult } from "../../lib/process";
import type { Properties } from "../../lib/properties";
import type { Context, Created, Known, Provider } from "./provider";

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
    replaceOn: [["triggers"]],
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

/** Variables that carry the previous run's output, unless the program wants none. */
export function previousOutput(inputs: Properties, previous: Properties): Record<string, string> {
  if (inputs.addPreviousOutputInEnv === false) return {};
  const variables = { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr };
  return Object.fromEntries(
    Object.entries(variables).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "",
    ),
  );
}

export function environment(inputs: Properties): Record<string, string> {
  const given = (inputs.environment ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)]));
}

/** Passes lines on to the user as the input `logging` says; both streams when it says nothing. */
export function lineLogger(
  inputs: Properties,
  context: Context,
): (line: string, stream: "stdout" | "stderr") => void {
  const logging = inputs.logging ?? "stdoutAndStderr";
  return (line, stream) => {
    if (logging === "stdoutAndStderr" || logging === stream) context.log(line);
  };
}

/** Outputs of a command that succeeded; one that failed is thrown, its output's end included. */
export function outcome(result: ExecResult, where: string, command: string): Properties {
  if (result.code !== 0) {
    const output = result.output.trimEnd();
    const shown = output.length > SHOWN_OUTPUT ? `…${output.slice(-SHOWN_OUTPUT)}` : output;
    throw new Error(`exit status ${result.code}${where}: running ${JSON.stringify(command)}:\n${shown}`);
  }
  const trim = (text: string): string => text.replace(/\n$/, "");
  return { stdout: trim(result.stdout), stderr: trim(result.stderr) };
}
