/** What the values that a check's time may have would mean: how soon a silent real server is out of the table. */
import { resolve, type Identity } from "./defaults";
import { controlPlane } from "../director/controlPlane";
import { CHECK_TIMES } from "../director/detection";
import type { Refusal } from "./refusal";
import type { Config } from "./schema";
import { serviceIndices } from "./servicePlaces";

const FIELD = /^(?:services\[(\d+)\]\.)?healthCheck\.(\w+)$/;

/** A refused time, with what the allowed ones come to beside everything else that is configured. */
export function withDetection(problem: Refusal, config: Config, identity: Identity): Refusal {
  const match = FIELD.exec(problem.key);
  const field = match?.[2] ?? "";
  // A mistyped key may be any word, `constructor` too.
  if (match === null || !Object.hasOwn(CHECK_TIMES, field)) return problem;
  const range = CHECK_TIMES[field as keyof typeof CHECK_TIMES];
  const index = match[1] === undefined ? undefined : Number(match[1]);
  const seconds = range.map((value) => secondsWith(config, identity, index, { [field]: value }));
  if (seconds.includes(undefined)) return problem;
  const span = [...new Set(seconds)].join(" to ");
  return {
    ...problem,
    message: `${problem.message}; a silent real server is then out after at most ${span} seconds`,
  };
}

function secondsWith(
  config: Config,
  identity: Identity,
  index: number | undefined,
  times: Record<string, number>,
): number | undefined {
  const changed = structuredClone(config);
  const owner = index === undefined ? changed : changed.services[index];
  if (owner === undefined) return undefined;
  owner.healthCheck = { ...owner.healthCheck, ...times };
  const draft = resolve(changed, identity);
  const service = draft.services[index === undefined ? 0 : serviceIndices(config).indexOf(index)];
  if (service === undefined || service.check.checktype === "on") return undefined;
  return controlPlane(draft).detectionSeconds(service, 1, draft);
}
