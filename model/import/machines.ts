/** The machines behind a file's real servers: what they are called, and which addresses of both families are one machine's. */
import { RESERVED_NAMES } from "../config/invariantsPlatform";
import { nodeName } from "../config/schemaParts";
import { given } from "../config/serviceDefaults";
import { Prefix } from "../lab/address";
import { areTwins, type Draft } from "./drafts";
import { isOwn, type Fields } from "./source";

/** Whatever stands for an address of IPv4 that the file does not name. */
const NOBODYS = Prefix.parse("241.0.0.0/16");

/** Whether an address only stands for one that the file does not name. */
export const isNobodys = (address: string): boolean => NOBODYS.contains(address);

export interface Machine {
  readonly name: string;
  /** The file's addresses. One that has none of IPv4 has one that nobody has. */
  readonly four: string;
  readonly six?: string;
  /** What it has in all services. */
  readonly fields: Fields;
}

/** Real servers, and after them what stands in: another server than the director itself. */
export const addressesOf = ({ members, source: { sorry } }: Draft): string[] => [
  ...members.map(({ source }) => source.address),
  ...(sorry && !isOwn(sorry) ? [sorry.address] : []),
];

/**
 * By its address of IPv6 that of IPv4. The file does not say which are one machine's: those of one name, and those that have the same place in
 * one service's two lists.
 */
function pairsOf(drafts: readonly Draft[], names: Readonly<Record<string, string>>): Map<string, string> {
  const fours = drafts.filter(({ family }) => family === 4);
  const pairs = new Map<string, string>();
  for (const draft of drafts.filter(({ family }) => family === 6)) {
    for (const twin of fours.filter((each) => areTwins(each, draft))) {
      const [sixes, others] = [addressesOf(draft), addressesOf(twin)];
      for (const six of sixes) {
        const named = others.find((four) => names[six] !== undefined && names[four] === names[six]);
        if (named !== undefined) pairs.set(six, named);
      }
      const free = (six: string, four = ""): boolean =>
        pairs.has(six) ? pairs.get(six) === four : ![...pairs.values()].includes(four);
      if (sixes.length !== others.length || !sixes.every((six, index) => free(six, others[index]))) continue;
      sixes.forEach((six, index) => pairs.set(six, others[index] ?? ""));
      break;
    }
  }
  return pairs;
}

/** By each of their addresses, in the file's order. */
export function machinesOf(
  drafts: readonly Draft[],
  names: Readonly<Record<string, string>>,
): ReadonlyMap<string, Machine> {
  const pairs = pairsOf(drafts, names);
  const machines = new Map<string, Machine>();
  const taken = new Set(RESERVED_NAMES);
  let without = 0;
  const add = (address: string, prefix: string, fields: Fields): void => {
    if (machines.has(address)) return;
    const isSix = address.includes(":");
    const four = isSix ? (pairs.get(address) ?? String(NOBODYS.network.plus(++without))) : address;
    const six = isSix ? address : [...pairs].find(([, each]) => each === address)?.[0];
    const [label = ""] = (names[four] ?? names[six ?? ""] ?? "").toLowerCase().split(".");
    let name = nodeName().safeParse(label).success && !taken.has(label) ? label : "";
    for (let number = 1; name === ""; number++)
      if (!taken.has(`${prefix}${number}`)) name = `${prefix}${number}`;
    taken.add(name);
    const machine: Machine = { name, four, fields, ...(six !== undefined && { six }) };
    for (const each of [four, six]) if (each !== undefined) machines.set(each, machine);
  };
  for (const { members } of drafts)
    for (const { source, fields } of members) add(source.address, "rs", given({ weight: fields.weight }));
  // Whatever stands in must have the VIP: a real server that no service names.
  for (const address of drafts.flatMap(addressesOf)) add(address, "fallback", {});
  return machines;
}
