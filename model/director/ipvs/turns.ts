/** How the kernel's rr and wrr share requests among the real servers of a service. */
import { tableWeight } from "./table";
import type { VirtualService } from "../../lab/types";

/** What each real server counts for, by name: its weight in the table while it is up, under rr the same for all that serve. */
export function servingWeights({
  scheduler,
  realServers,
}: Pick<VirtualService, "scheduler" | "realServers">): Map<string, number> {
  return new Map(
    realServers.map((server) => {
      const weight = tableWeight(server);
      return [server.name, scheduler === "rr" ? Math.min(weight, 1) : weight];
    }),
  );
}

/** Greatest common divisor; 0 counts for nothing. */
export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * The fewest and the most of `requests` in a row that each server gets. wrr goes down from the largest weight in steps of the greatest
 * common divisor and serves, at each step, all that weigh as much: with large weights one server has a long run for itself.
 * @param weights of the servers, 0 for one that does not serve
 */
export function turnBounds(
  weights: readonly number[],
  requests: number,
): { readonly low: number; readonly high: number }[] {
  const unit = weights.reduce(gcd, 0);
  const turns: number[] = [];
  for (let step = Math.max(...weights); step > 0; step -= unit)
    for (const [server, weight] of weights.entries()) if (weight >= step) turns.push(server);
  const turn = (at: number): number => turns[at % turns.length] ?? 0;
  const seen = weights.map(() => 0);
  for (let at = 0; at < requests; at++) seen[turn(at)]! += 1;
  const [low, high] = [[...seen], [...seen]];
  for (let at = 0; at < turns.length; at++) {
    const [gone, come] = [turn(at), turn(at + requests)];
    seen[come]! += 1;
    seen[gone]! -= 1;
    low[gone] = Math.min(low[gone]!, seen[gone]!);
    high[come] = Math.max(high[come]!, seen[come]!);
  }
  // Who comes first within a step is the kernel's own: that is one request more or less at the first step, and at the last.
  return weights.map((weight, i) =>
    weight === 0
      ? { low: 0, high: 0 }
      : { low: Math.max(0, low[i]! - 2), high: Math.min(requests, high[i]! + 2) },
  );
}
