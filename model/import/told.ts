/** What an import tells beside the lines: addresses that are others than the file's, or that it does not say. */
import { addressesOf, type Lab } from "../lab/types";
import { isNobodys, type Machine } from "./machines";

interface Mapped {
  readonly what: string;
  readonly from: string;
  readonly to: string;
}

export interface Told {
  readonly mapped: readonly Mapped[];
  /** Addresses of both families that are taken for one machine's, which the file does not say. */
  readonly paired: readonly string[];
  /** Addresses that the file does not say: of its director's peer, and of real servers those of the family that it has not. */
  readonly chosen: readonly string[];
}

/** @param machines by each of their addresses @param moved new addresses of those that change @param names of hosts, by what stands for them */
export function toldOf(
  lab: Lab,
  machines: ReadonlyMap<string, Machine>,
  moved: readonly (readonly [from: string, to: string])[],
  names: Readonly<Record<string, string>>,
): Told {
  const used = new Set([...lab.realServers.flatMap(addressesOf), ...lab.services.map(({ vip }) => vip)]);
  const inFile = (address: string): string => names[address] ?? address;
  const all = [...new Set(machines.values())];
  return {
    mapped: moved
      .filter(([from, to]) => used.has(to) && !isNobodys(from))
      .map(([from, to]) => ({ what: machines.get(from)?.name ?? "VIP", from: inFile(from), to })),
    paired: all.flatMap(({ name, four, six }) =>
      six === undefined || isNobodys(four) ? [] : [`${name}: ${inFile(four)} and ${inFile(six)}`],
    ),
    chosen: [
      ...lab.directors.slice(1).map((each) => `${each.name}: ${addressesOf(each).join(" and ")}`),
      ...lab.realServers.flatMap(({ name, address, address6 }) => {
        const machine = all.find((each) => each.name === name);
        if (machine === undefined || address6 === undefined) return [];
        if (machine.six === undefined) return [`${name}: ${address6} beside ${address}`];
        return isNobodys(machine.four) ? [`${name}: ${address} beside ${address6}`] : [];
      }),
    ],
  };
}
