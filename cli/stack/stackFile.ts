/** A stack's configuration file, for what must be known without running the program. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

/** Keys with their namespace, values as Pulumi hands them to a program: structures as JSON. */
export type StackConfig = Readonly<Record<string, string>>;

/** The file that Pulumi takes a stack's configuration from where none is named. */
export function stackFile(stack: string): string {
  return `Pulumi.${stack}.yaml`;
}

/** Stands for an encrypted value inside another one, where it does not matter what it is. */
const VEILED = "encrypted";

/** As `pulumi config set --secret` writes it; with `--path`, somewhere inside a value. */
function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

function containsSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isSecret(value) || Object.values(value).some(containsSecret);
}

function readValues(file: string): Readonly<Record<string, unknown>> {
  if (!existsSync(file)) return {};
  const { config } = (parse(readFileSync(file, "utf8")) ?? {}) as { config?: Record<string, unknown> | null };
  return config ?? {};
}

const toText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The keys under which something in a file is encrypted. */
export function secretKeys(file: string): string[] {
  return Object.entries(readValues(file)).flatMap(([key, value]) => (containsSecret(value) ? [key] : []));
}

/**
 * The configuration in a file; empty without one.
 * @throws Error for an encrypted value, which only Pulumi can read
 */
export function readStackConfig(file: string): StackConfig {
  return Object.fromEntries(
    Object.entries(readValues(file)).map(([key, value]) => {
      if (containsSecret(value)) {
        throw new Error(`${file}: ${key} is encrypted: only the Pulumi CLI can read it (--engine pulumi)`);
      }
      return [key, toText(value)];
    }),
  );
}

/** The configuration without what is encrypted: enough for names, addresses and kinds, which nobody encrypts. */
export function readOpenConfig(file: string): StackConfig {
  const veil = (_key: string, value: unknown): unknown => (isSecret(value) ? VEILED : value);
  const open = Object.entries(readValues(file)).filter(([, value]) => !isSecret(value));
  return Object.fromEntries(
    open.map(([key, value]) => [key, toText(JSON.parse(JSON.stringify(value, veil)) as unknown)]),
  );
}
