import * as pulumi from "@pulumi/pulumi";

/**
 * A person's mistake: its message is shown, and no stack trace of ours. It has none: Pulumi formats the error in colours
 * first, and Node.js 20 needed 15 s and more than a gigabyte for a line that ends in `node_modules/@SCOPE/FILE`.
 */
export function refusal(message: string): Error {
  return Object.assign(new pulumi.RunError(message), { stack: `Error: ${message}` });
}
