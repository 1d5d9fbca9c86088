/** `scripts/lab output`. */
import type { StackOutputs } from "./backend";
import { StackContext, type StackOptions } from "./context";
import type { Recorded } from "./recorded";
import { printJson } from "./terminal";

/** What people see of the outputs: never one in which anything is secret. */
export function publicOutputs({ outputs, secret }: Pick<Recorded, "outputs" | "secret">): StackOutputs {
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !secret.has(name)));
}

export async function output(
  name: string | undefined,
  options: StackOptions & { readonly json?: boolean },
): Promise<void> {
  const outputs = publicOutputs(await new StackContext(options).built());
  if (name === undefined) return printJson(outputs);
  if (!(name in outputs))
    throw new Error(`no output '${name}'; there are ${Object.keys(outputs).join(", ")}`);
  const value = outputs[name as keyof typeof outputs];
  if (options.json || typeof value !== "string") printJson(value);
  else process.stdout.write(`${value}\n`);
}
