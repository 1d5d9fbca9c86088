/** What a stack's state says of the stack, whichever engine keeps it. */
import type { Access } from "../../model/lab/access";
import { hasSecret, MASK, reveal, type Properties, type Value } from "../../lib/properties";
import { STACK_TYPE } from "../../lib/urn";
import { readLab } from "../../model/lab/recorded";
import { APPLIED_LAB } from "../../model/lab/naming";
import type { Lab } from "../../model/lab/types";
import type { ShownOutputs, StackOutputs } from "../backends/backend";

/** As far as both engines' states agree; secrets as lib/properties.ts has them. */
export interface RecordedResource {
  readonly type: string;
  readonly outputs?: Properties;
}

export interface Recorded {
  /** All of the stack's outputs, secrets in the clear. */
  readonly outputs: StackOutputs;
  /** Names of those in which something is secret. */
  readonly secret: ReadonlySet<string>;
  /** How to reach the guests; absent as long as no `up` came so far. */
  readonly access?: Access;
}

/** What people see of the outputs: each in which the state marks anything as secret is masked as a whole. */
export function shownOutputs({ outputs, secret }: Pick<Recorded, "outputs" | "secret">): ShownOutputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, secret.has(name) ? MASK : (value as unknown)]),
  );
}

/**
 * @param fallback the lab of which another record exists, for a state that says nothing of it
 */
export function readRecorded(
  resources: readonly RecordedResource[],
  fallback: () => Lab | undefined,
): Recorded {
  const outputsOf = (type: string): Properties =>
    resources.find((resource) => resource.type === type)?.outputs ?? {};
  const raw = outputsOf(STACK_TYPE);
  const outputs = reveal(raw as Value) as StackOutputs;
  const secret = new Set(Object.keys(raw).filter((name) => hasSecret(raw[name] ?? null)));
  const login = outputs.access;
  if (login === undefined) return { outputs, secret };
  const { lab: applied } = reveal(outputsOf(APPLIED_LAB) as Value) as { lab?: unknown };
  const former = applied ?? login.lab;
  const lab = former === undefined ? fallback() : readLab(former);
  return lab === undefined ? { outputs, secret } : { outputs, secret, access: { ...login, lab } };
}
