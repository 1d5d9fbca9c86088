import * as pulumi from "@pulumi/pulumi";
import type { Lab } from "../model/lab/types";
import { clusterLab, type Description } from "./clusterLab";
import { directorOrder } from "./directorOrder";
import { probeAccelerator } from "./hostProbe";
import { findMachines } from "./machines";
import { assertPreconditions } from "./preconditions";
import { refusal } from "./refusal";
import { assertAmongSiblings } from "./siblings";
import { fitUnderlay } from "./tunnels";

/** What is known of a cluster before anything is made for it. */
export interface Preflight {
  readonly lab: Lab;
  /** Whether the guests can be reached from here, which only a preview does without. */
  readonly reachable: boolean;
  readonly accelerator: "kvm" | "qemu";
  /** Of two directors: see directorOrder. */
  readonly order: readonly string[] | undefined;
}

const flights = new WeakMap<object, Promise<Preflight>>();

/**
 * For a program that wants to be refused before anything is registered: its cluster of the same arguments takes over what was found.
 * @param name of the cluster
 * @throws pulumi.RunError with every problem at once
 */
export function preflight(name: string, args: object): Promise<Preflight> {
  const flight = fly(name, args);
  flights.set(args, flight);
  return flight;
}

/** The same for the cluster itself. The arguments may describe that of another `up` too, which asks anew. */
export function ownPreflight(name: string, args: object): Promise<Preflight> {
  const flight = flights.get(args) ?? fly(name, args);
  flights.delete(args);
  return flight;
}

/** Validates a cluster's arguments and asks its host what stands against it. */
async function fly(name: string, args: object): Promise<Preflight> {
  const described = await clusterLab(name, await known(name, args));
  assertAmongSiblings(name, described);
  const found = await findMachines(described);
  const reachable = await assertPreconditions(found);
  const lab = await fitUnderlay(found);
  const accelerator = await probeAccelerator(lab);
  return { lab, reachable, accelerator, order: await directorOrder(lab) };
}

/** The arguments' values, of passwords too: what is secret of them the lab knows by its key. */
async function known(name: string, args: object): Promise<Description> {
  // The SDK has both, but not among its types.
  const output = pulumi.output(args) as unknown as { isKnown: Promise<boolean>; promise(): Promise<object> };
  const values = await output.promise();
  if (await output.isKnown) return values as Description;
  throw refusal(
    `LvsCluster ${name}: an argument depends on a resource that is not there yet, and arguments decide which resources there are. Fix: take it from the configuration.`,
  );
}
