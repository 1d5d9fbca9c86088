/** The lab that a stack's file describes; apart, since the schema takes a tenth of a second to load. */
import { parseConfig } from "../model/config";
import type { Lab } from "../model/types";
import { readOpenConfig, type StackConfig } from "./stackFile";

/**
 * @param config all of it, where it matters what is encrypted in the file
 * @throws ConfigError
 */
export function stackLab(project: string, stack: string, config: StackConfig = readOpenConfig(stack)): Lab {
  const prefix = `${project}:`;
  const raw = Object.entries(config).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
  );
  return parseConfig(Object.fromEntries(raw), { project, stack });
}
