/** `scripts/lab output`. */
import { StackContext, type StackOptions } from "./context";
import { printJson } from "./terminal";

/** What people see of the outputs: never what is secret. */
export function publicOutputs<T extends { readonly access?: unknown }>({
  access: _secret,
  ...shown
}: T): Omit<T, "access"> {
  return shown;
}

export async function output(
  name: string | undefined,
  options: StackOptions & { readonly json?: boolean },
): Promise<void> {
  const outputs = publicOutputs(await new StackContext(options).outputs());
  if (name === undefined) return printJson(outputs);
  if (!(name in outputs))
    throw new Error(`no output '${name}'; there are ${Object.keys(outputs).join(", ")}`);
  const value = outputs[name as keyof typeof outputs];
  if (options.json || typeof value !== "string") printJson(value);
  else process.stdout.write(`${value}\n`);
}
