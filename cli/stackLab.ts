/** The lab that a stack's file describes; apart, since the schema takes a tenth of a second to load. */
import { parseConfig } from "../model/config";
import type { Lab } from "../model/types";
import { readStackConfig } from "./stackFile";

/** @throws ConfigError */
export function stackLab(project: string, stack: string): Lab {
  const prefix = `${project}:`;
  const raw = Object.entries(readStackConfig(stack)).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
  );
  return parseConfig(Object.fromEntries(raw), { project, stack });
}
