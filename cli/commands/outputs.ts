/** `scripts/lab output`. */
import { StackContext, type StackOptions } from "../stack/context";
import { shownOutputs } from "../stack/recorded";
import { printJson } from "../terminal";

export async function output(
  name: string | undefined,
  options: StackOptions & { readonly json?: boolean; readonly showSecrets?: boolean },
): Promise<void> {
  const built = await new StackContext(options).built();
  const outputs = options.showSecrets ? built.outputs : shownOutputs(built);
  if (name === undefined) return printJson(outputs);
  if (!Object.hasOwn(outputs, name))
    throw new Error(`no output '${name}'; there are ${Object.keys(outputs).join(", ")}`);
  const value = outputs[name as keyof typeof outputs];
  if (options.json || typeof value !== "string") printJson(value);
  else process.stdout.write(`${value}\n`);
}
