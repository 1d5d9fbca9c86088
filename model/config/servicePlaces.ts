/** Where in the configuration each of the lab's services, and each of its fields, is set. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Refusal } from "./refusal";
import type { Config } from "./schema";
import { MAIN } from "./serviceDefaults";
import type { VirtualService } from "../lab/types";

export interface Place {
  readonly service: VirtualService;
  /** Index in `services`, undefined for a main service that is not changed there. */
  readonly index: number | undefined;
}

/** Index in `services` of each of the lab's services, main first. */
export function serviceIndices({ services }: Config): (number | undefined)[] {
  const main = services.findIndex(({ name }) => name === MAIN);
  const others = services.flatMap(({ name }, index) => (name === MAIN ? [] : [index]));
  return [main < 0 ? undefined : main, ...others];
}

export function servicePlaces(config: Config, draft: Draft): Place[] {
  // After them come those that serve the same at the VIP of IPv6: nobody has written them.
  return serviceIndices(config).flatMap((index, position) => {
    const service = draft.services[position];
    return service === undefined ? [] : [{ service, index }];
  });
}

/**
 * Key of a field: of `services` where it is set there or the service is another than main, else the top-level one. After it
 * comes the key in `services` that a refused value may have had: what stands in for it says nothing.
 */
export function keysOf(config: Config, { index }: Place, field: string): [string, ...string[]] {
  const changes = index === undefined ? undefined : config.services[index];
  if (changes === undefined) return [field];
  const inServices = `services[${index}].${field}`;
  return changes.name !== MAIN || isSet(changes, field) ? [inServices] : [field, inServices];
}

/** Reports a field of a service. @param also further fields that the finding depends on @param keys further keys */
export type Report = (
  field: string,
  problem: Omit<Refusal, "key">,
  also?: readonly string[],
  keys?: readonly string[],
) => void;

export function reporter(findings: Findings, config: Config, place: Place): Report {
  return (field, problem, also = [], keys = []) => {
    const [key, ...own] = keysOf(config, place, field);
    findings.add(
      { key, ...problem },
      ...own,
      ...also.flatMap((each) => keysOf(config, place, each)),
      ...keys,
    );
  };
}

/** Of all that main can change, only a health check is changed field by field. */
function isSet(changes: Config["services"][number], field: string): boolean {
  const [head = "", inner = ""] = field.split(".");
  const value = (changes as Record<string, unknown>)[head];
  return head === "healthCheck"
    ? (value as Record<string, unknown>)?.[inner] !== undefined
    : value !== undefined;
}
