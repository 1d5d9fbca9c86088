/** The lab that a stack's file describes; apart, since the schema takes a tenth of a second to load. */
import { parseConfig, projectKeys } from "../../model/config/config";
import { readTextFile } from "../../lib/textFile";
import type { Lab } from "../../model/lab/types";
import type { StackOptions } from "./context";
import { readOpenConfig, stackFile, type StackConfig } from "./stackFile";

/**
 * @param config all of it, where it matters what is encrypted in the file
 * @param last the lab as it was last applied, as far as the stack's state says
 * @throws ConfigError
 */
export function stackLab(project: string, stack: string, config: StackConfig, last?: Lab): Lab {
  return parseConfig(projectKeys(config, project), { project, stack }, readTextFile, last);
}

/**
 * Without what is encrypted in the file.
 * @throws ConfigError
 */
export function openLab(
  project: string,
  { stack, configFile = stackFile(stack) }: Pick<StackOptions, "stack" | "configFile">,
): Lab {
  return stackLab(project, stack, readOpenConfig(configFile));
}
