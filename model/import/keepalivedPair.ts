/** keepalived.conf's VRRP: what the director has with its peer. */
import { Prefix, withoutLength, type Family } from "../lab/address";
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

/** @param shared what `global_defs` says of it */
export function pairOf(
  instances: readonly Statement[],
  services: Source["services"],
  shared: Fields,
  behind: Behind,
): Pick<Source, "pair"> {
  const has = (family: Family): Statement | undefined =>
    instances.find((each) =>
      addressesOf(each).some((address) => networkOf(address)?.network.family === family),
    );
  const families = new Set(services.map(({ family }) => family));
  // One of another family says nothing of these services.
  const [instance] = ([4, 6] as const).flatMap((each) => (families.has(each) ? (has(each) ?? []) : []));
  for (const each of instances) if (each !== instance) behind.leave(each, VRRP);
  if (instance === undefined) return {};
  const { block, at } = instance;
  behind.leaveOthers(block, "nopreempt", SYNC, ...LISTS, ...Object.keys(PAIR));
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
  const addresses = addressesOf(instance).map((each) => ({
    at: each.at,
    address: canonical(withoutLength(each.words[0] ?? "")),
  }));
  return { pair: { at, fields, lines, addresses } };
}
