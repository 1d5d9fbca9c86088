import * as pulumi from "@pulumi/pulumi";
import { formatRefusals, type Refusal } from "../model/config/refusal";
import { Prefix } from "../model/lab/address";
import { guestsOf, type Lab } from "../model/lab/types";
import { refusal } from "./refusal";

type Clusters = Map<string, Lab>;
/** Clusters by name, of each program that runs in this process. */
const programs = new WeakMap<object, Clusters>();
/** A plugin makes the clusters of one program, and has no stack. */
const PLUGIN = {};

/**
 * Refuses a cluster whose networks another one of its program makes on the same host: none of them is there yet, so the host
 * cannot tell, and the second would fail in the middle of an `up`.
 * @throws pulumi.RunError with every problem at once
 */
export function assertAmongSiblings(name: string, lab: Lab): void {
  const program = pulumi.runtime.getStackResource() ?? PLUGIN;
  const clusters: Clusters = programs.get(program) ?? new Map<string, Lab>();
  programs.set(program, clusters);
  const others = [...clusters].filter(([other]) => other !== name);
  const problems = others.flatMap(([other, its]) => clashes(lab, other, its));
  if (problems.length > 0) throw refusal(formatRefusals(problems, `LvsCluster ${name}`));
  clusters.set(name, lab);
}

/** Networks that libvirt makes on a host of both. */
function clashes(lab: Lab, other: string, its: Lab): Refusal[] {
  const shared = lab.hosts.some(({ libvirtUri }) => its.hosts.some((each) => each.libvirtUri === libvirtUri));
  if (!shared) return [];
  return madeBy(lab).flatMap(({ key, cidr }) =>
    madeBy(its)
      .filter((each) => Prefix.parse(each.cidr).overlaps(Prefix.parse(cidr)))
      .map((each) => ({
        key,
        value: cidr,
        message: `overlaps ${each.key} ${each.cidr} of LvsCluster ${other} on the same host`,
        fix: "give each cluster networks of its own",
      })),
  );
}

function madeBy(lab: Lab): { key: string; cidr: string }[] {
  if (guestsOf(lab).length === 0) return [];
  return (["client", "server"] as const).flatMap((segment) => {
    const { cidr, existingBridge } = lab.segments[segment];
    return existingBridge === undefined ? [{ key: `${segment}Network.cidr`, cidr }] : [];
  });
}
