import type { Lab } from "../model/lab/types";
import { assertNoHandover } from "./handoverProbe";
import { assertAll, assertHost } from "./hostProbe";
import { assertLdirectord } from "./ldirectordProbe";
import { reachesGuests } from "./reach";

/**
 * Refuses, before any resource, what an `up` could not bring about on this host and from this stack's last state.
 * @returns whether the guests can be reached from here, which only a preview does without
 * @throws pulumi.RunError with every problem at once
 */
export async function assertPreconditions(lab: Lab): Promise<boolean> {
  const reachable = reachesGuests(lab);
  await assertAll(assertHost(lab), assertLdirectord(lab), assertNoHandover(lab), reachable);
  return reachable;
}
