import * as pulumi from "@pulumi/pulumi";
import { readTextFile } from "../lib/textFile";
import { ConfigError, parseConfig, projectKeys } from "../model/config/config";
import type { Lab } from "../model/lab/types";
import { refusal } from "./refusal";

/**
 * The stack's configuration, validated: the only place that reads it.
 * @throws pulumi.RunError with every problem at once
 */
export function labConfig(): Lab {
  const project = pulumi.getProject();
  try {
    const identity = { project, stack: pulumi.getStack() };
    return parseConfig(projectKeys(pulumi.runtime.allConfig(), project), identity, readTextFile);
  } catch (error) {
    if (error instanceof ConfigError) throw refusal(error.message);
    throw error;
  }
}
