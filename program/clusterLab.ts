import * as pulumi from "@pulumi/pulumi";
import { readTextFile } from "../lib/textFile";
import { ConfigError, parseConfig, projectKeys } from "../model/config/config";
import { stackNameProblem } from "../model/config/stackName";
import { formatRefusals } from "../model/config/refusal";
import { MAIN_CLUSTER, prefixFor } from "../model/lab/naming";
import type { Lab } from "../model/lab/types";
import { assertListed } from "./absence";
import { lastLab } from "./handoverProbe";
import { refusal } from "./refusal";

/** What describes a cluster: keys of the configuration. */
export type Description = Readonly<Record<string, unknown>>;

/** The stack's configuration: the only place that reads it. */
export function stackConfiguration(): Description {
  return projectKeys(pulumi.runtime.allConfig(), pulumi.getProject());
}

/**
 * The lab that a cluster's arguments describe. Text files are those of the program's directory.
 * @throws pulumi.RunError with every problem at once
 */
export async function clusterLab(name: string, args: Description): Promise<Lab> {
  const stack = pulumi.getStack();
  const own = name === MAIN_CLUSTER;
  const why = stackNameProblem(name, "a cluster's");
  if (why !== undefined)
    throw refusal(`LvsCluster ${JSON.stringify(name)}: ${why}. Fix: give the resource another name.`);
  const identity = { project: pulumi.getProject(), stack: own ? stack : `${stack}-${name}` };
  const last = await lastLab({ ...identity, prefix: prefixFor(identity.project, identity.stack) });
  try {
    const lab = parseConfig(asConfigured(args) as Description, identity, readTextFile, last);
    // Another cluster's hosts are not all the program's.
    if (own) assertListed(lab);
    return lab;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw refusal(own ? error.message : formatRefusals(error.problems, `LvsCluster ${name}`));
  }
}

/** What the package writes otherwise than a stack's file, since Pulumi's component schemas have no unions (tools/packageTypes.ts). */
const WRITTEN: Readonly<Record<string, (value: unknown) => unknown>> = {
  checktype: (value) => (/^\d+$/.test(String(value)) ? Number(value) : value),
  ports: (value) => (Array.isArray(value) && value.length === 1 && value[0] === "all" ? "all" : value),
  sorryServer: orFalse,
  client: orFalse,
  router: orFalse,
};

function orFalse(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("enabled" in value)) return value;
  const { enabled, ...rest } = value;
  return enabled === false ? false : rest;
}

function asConfigured(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asConfigured);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const read = asConfigured(inner);
      return [key, WRITTEN[key]?.(read) ?? read];
    }),
  );
}
