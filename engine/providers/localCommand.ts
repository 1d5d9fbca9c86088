import type { Properties } from "../../lib/properties";
import {
  commandProvider,
  environment,
  lineLogger,
  outcome,
  previousOutput,
  type RunCommand,
} from "./command";
import type { Invoke } from "./provider";

const run: RunCommand = async (command, inputs, previous, context) => {
  for (const input of ["assetPaths", "archivePaths"]) {
    if (inputs[input] !== undefined)
      throw new Error(`the embedded engine does not support ${input}; use --engine pulumi`);
  }
  const interpreter = (inputs.interpreter as readonly string[] | undefined) ?? ["/bin/sh", "-c"];
  const [file = "/bin/sh", ...args] = [...interpreter, command];
  const result = await context.exec(file, args, {
    stdin: inputs.stdin as string | undefined,
    cwd: inputs.dir as string | undefined,
    env: { ...process.env, ...environment(inputs), ...previousOutput(inputs, previous) },
    signal: context.signal,
    onLine: lineLogger(inputs, context),
  });
  return outcome(result, "", command);
};

/** command.local.Command */
export const localCommand = commandProvider(run);

/** command.local.run: runs on every preview and up, and leaves nothing in the state. */
export const localRun: Invoke = async (args, context): Promise<Properties> => {
  if (typeof args.command !== "string") throw new Error("command:local:run: command is missing");
  return { ...args, ...(await run(args.command, args, {}, context)) };
};
