import type { Lab } from "../model/lab/types";
import { lastOutputs } from "./handoverProbe";

/**
 * Of two directors the standby is changed first, so that the VIP can be at it while the other one is, and a change that fails has touched nobody's
 * requests. Who holds the VIP is taken from the last `up`: where it has moved since, each director gives it up by itself before it is changed.
 * A second director comes after the one that was there. undefined: both are new, or there is one.
 */
export async function directorOrder({ directors, ...lab }: Lab): Promise<readonly string[] | undefined> {
  if (directors.length === 1) return undefined;
  const { nodes = {}, health } = await lastOutputs({ directors, ...lab });
  const names = directors.map(({ name }) => name);
  const there = names.filter((name) => nodes[name]?.role === "director");
  const last =
    there.length < 2
      ? names.find((name) => !there.includes(name))
      : (health?.directors?.find(({ holdsVip }) => holdsVip)?.name ?? names[0]);
  return there.length === 0
    ? undefined
    : [...names.filter((name) => name !== last), ...(last === undefined ? [] : [last])];
}
