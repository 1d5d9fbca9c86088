import * as pulumi from "@pulumi/pulumi";
import { ConfigError, parseConfig } from "../model/config";
import type { Lab } from "../model/types";
import { refusal } from "./refusal";

/**
 * The stack's configuration, validated: the only place that reads it.
 * @throws pulumi.RunError with every problem at once
 */
export function labConfig(): Lab {
  const project = pulumi.getProject();
  const prefix = `${project}:`;
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(pulumi.runtime.allConfig())) {
    if (key.startsWith(prefix)) raw[key.slice(prefix.length)] = value;
  }
  try {
    return parseConfig(raw, { project, stack: pulumi.getStack() });
  } catch (error) {
    if (error instanceof ConfigError) throw refusal(error.message);
    throw error;
  }
}
