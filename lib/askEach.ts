/** Guests are asked side by side, as many at once as the host has room for. */
import { availableParallelism } from "node:os";
import pLimit from "p-limit";

/**
 * Two a processor, since a guest's answer is work on one of them (without KVM all of it) and waiting in between. More
 * at once would finish no sooner, and the last ones would spend their time limits waiting for the others.
 */
const room = pLimit(Math.max(4, 2 * availableParallelism()));

/**
 * Asks each, in order, as soon as there is room; a time limit within `ask` so counts from when it is asked. What `ask`
 * does must not itself wait for room.
 */
export function askEach<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  return Promise.all(items.map((item) => room(() => ask(item))));
}
