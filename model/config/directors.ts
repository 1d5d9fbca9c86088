/** The directors as configured, and what two of them have between them. */
import type { HighAvailability } from "../lab/types";
import type { Config } from "./schema";
import { ADVERT_INTERVAL, highAvailability, TOKEN } from "./schemaHighAvailability";
import { given } from "./serviceDefaults";

export type DirectorDraft = NonNullable<Config["directors"]>[number] & {
  readonly name: string;
  readonly priority: number;
};

/** Near the top: VRRP waits for (256 - priority)/256 of an interval more. */
const FIRST_PRIORITY = 200;

/** The directors by either form, with their names and priorities. */
export function directorsOf({ director, directors }: Config): DirectorDraft[] {
  if (directors === undefined) return [{ ...director, priority: FIRST_PRIORITY }];
  return directors.map((each, index) => ({
    memory: director.memory,
    vcpus: director.vcpus,
    ...given(each),
    name: each.name ?? (directors.length === 1 ? director.name : `director${index + 1}`),
    priority: each.priority ?? FIRST_PRIORITY - 10 * index,
  }));
}

export function highAvailabilityOf(config: Config): { readonly highAvailability?: HighAvailability } {
  const directors = directorsOf(config);
  if (directors.length < 2) return {};
  const priorities = Object.fromEntries(directors.map(({ name, priority }) => [name, priority]));
  const configured = config.highAvailability ?? highAvailability.parse({});
  const { advertInterval = ADVERT_INTERVAL, token = TOKEN, ...common } = configured;
  const own = { keepalived: { advertInterval }, pacemaker: { token } }[common.manager];
  return { highAvailability: { ...common, ...own, priorities } };
}
