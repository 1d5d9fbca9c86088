/** The stack's configuration file, for what must be known without running the program. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

/** Keys with their namespace, values as Pulumi hands them to a program: structures as JSON. */
export type StackConfig = Readonly<Record<string, string>>;

export function stackFile(stack: string): string {
  return `Pulumi.${stack}.yaml`;
}

/**
 * The configuration of a stack; empty without a file.
 * @throws Error for an encrypted value, which only Pulumi can read
 */
export function readStackConfig(stack: string): StackConfig {
  const file = stackFile(stack);
  if (!existsSync(file)) return {};
  const { config } = (parse(readFileSync(file, "utf8")) ?? {}) as { config?: Record<string, unknown> | null };
  return Object.fromEntries(
    Object.entries(config ?? {}).map(([key, value]) => {
      if (typeof value === "object" && value !== null && "secure" in value) {
        throw new Error(`${file}: ${key} is encrypted: only the Pulumi CLI can read it (--engine pulumi)`);
      }
      return [key, typeof value === "string" ? value : JSON.stringify(value)];
    }),
  );
}
