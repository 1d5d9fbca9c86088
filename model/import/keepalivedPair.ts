/** keepalived.conf's VRRP: what the director has with its peer. */
import { Prefix, withoutLength } from "../lab/address";
import { canonical, named, VRRP, type Behind } from "./keepalivedBlocks";
import type { Statement } from "./keepalivedLexer";
import type { Fields, Line, Source } from "./source";

/** Of an instance. */
const PAIR: Readonly<Record<string, string>> = {
  virtual_router_id: "virtualRouterId",
  advert_int: "advertInterval",
};
const SYNC = "lvs_sync_daemon_interface";
const LISTS = ["virtual_ipaddress", "virtual_ipaddress_excluded"];

const addressesOf = ({ block }: Statement): Statement[] =>
  named(block, ...LISTS).flatMap((each) => each.block ?? []);
const networkOf = ({ words: [text = ""] }: Statement): Prefix | undefined => Prefix.read(text);

/** Networks that the instances' addresses are in. */
export const networksOf = (instances: readonly Statement[]): string[] =>
  instances
    .flatMap(addressesOf)
    .flatMap((each) => networkOf(each) ?? [])
    .map(String);

/** What two instances must have in common to be one pair's. */
const alike = ({ block }: Statement): string =>
  JSON.stringify([...Object.keys(PAIR), "nopreempt"].map((each) => named(block, each).at(-1)?.words));

interface Told {
  readonly services: Source["services"];
  /** What `global_defs` says of it. */
  readonly shared: Fields;
  readonly behind: Behind;
}

/** The lab has an instance for each family of its VIPs, and they are one group. */
export function pairOf(
  instances: readonly Statement[],
  syncGroups: readonly Statement[],
  { services, shared, behind }: Told,
): Pick<Source, "pair"> {
  const families = new Set(services.map(({ family }) => family));
  // One of another family says nothing of these services.
  const [instance, ...others] = ([4, 6] as const).flatMap((family) => {
    const has = (each: Statement): boolean =>
      addressesOf(each).some((address) => networkOf(address)?.network.family === family);
    return families.has(family) ? (instances.find(has) ?? []) : [];
  });
  const like = others.filter((each) => instance !== undefined && alike(each) === alike(instance));
  const taken = new Set(instance === undefined ? [] : [instance, ...like]);
  for (const each of instances) if (!taken.has(each)) behind.leave(each, VRRP);
  const names = [...taken].map(({ words: [, name] }) => name);
  for (const group of syncGroups) {
    const [members] = named(group.block, "group");
    if (members?.block?.every(({ words: [name] }) => names.includes(name)))
      behind.leaveOthers(group.block, "group");
    else behind.leave(group, VRRP);
  }
  if (instance === undefined) return {};
  const { block, at } = instance;
  for (const each of taken) behind.leaveOthers(each.block, "nopreempt", SYNC, ...LISTS, ...Object.keys(PAIR));
  const lines: Record<string, Line> = {};
  // keepalived's own interval, and a whole second is what most files say.
  const fields: Fields = { sync: "off", ...shared, advertInterval: 1 };
  for (const [keyword, key] of Object.entries(PAIR)) {
    const [said] = named(block, keyword);
    if (said !== undefined) [fields[key], lines[key]] = [Number(said.words[1]), said.at];
  }
  const [manual] = named(block, "nopreempt");
  const [sync] = named(block, SYNC);
  fields.failback = manual ? "manual" : "automatic";
  if (sync) fields.sync = "daemon";
  if (manual) lines.failback = manual.at;
  if (sync) lines.sync = sync.at;
  const addresses = [...taken].flatMap(addressesOf).map((each) => ({
    at: each.at,
    address: canonical(withoutLength(each.words[0] ?? "")),
  }));
  return { pair: { at, fields, lines, addresses } };
}
