/** Blocks of keepalived.conf: what is in them, and what of it stays behind. */
import { Address } from "../lab/address";
import type { Statement } from "./keepalivedLexer";
import { PROGRAM } from "./ldirectordCf";
import type { Left, Line } from "./source";

const QUORUM = "a lab has no quorum: the sorry server comes when no server is up";
const ROUTES = "the lab's guests have addresses and routes of their own";
/** By keyword why it is not taken over; others have nothing that corresponds to them. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  alpha: "the lab's table is filled before ldirectord starts, and servers count as up until a check fails",
  priority: "the file is one director's: the lab's two have priorities of their own",
  nb_get_retry: "keepalived knows it in HTTP_GET and SSL_GET only",
  ...Object.fromEntries(
    ["notify_down", "notify_up", "quorum_down", "quorum_up"].map((key) => [key, PROGRAM]),
  ),
  ...Object.fromEntries(["hysteresis", "omega", "quorum"].map((key) => [key, QUORUM])),
  ...Object.fromEntries(["static_ipaddress", "static_routes", "static_rules"].map((key) => [key, ROUTES])),
};
const OTHERWISE = "nothing in a lab corresponds to it";
export const VRRP =
  "of VRRP one instance's id, interval, addresses and preemption are taken over, and the addresses of one of the other family that has the same";
export const FLAGS = /^(flag-[123]|(sh|mh)-(port|fallback))$/;

export type Block = readonly Statement[] | undefined;

export const named = (block: readonly Statement[] = [], ...keywords: string[]): Statement[] =>
  block.filter(({ words: [keyword = ""] }) => keywords.includes(keyword));

/** The first argument of the last of them, as keepalived takes it. */
export const value = (block: Block, ...keywords: string[]): string | undefined =>
  named(block, ...keywords).at(-1)?.words[1];

/** As all programs print it; what is not an address stays. */
export const canonical = (text: string): string => String(Address.read(text) ?? text);

/** Lines of a statement and of all in its block. */
export const linesIn = ({ at, block = [] }: Statement): Line[] => [at, ...block.flatMap(linesIn)];

/** The lines that are not taken over. */
export class Behind {
  constructor(readonly left: Left[]) {}

  leave({ at, block }: Statement, reason: string): void {
    this.left.push({ ...at, reason });
    this.leaveEach(block, reason);
  }

  leaveEach(block: Block, reason: string): void {
    for (const each of block ?? []) this.leave(each, reason);
  }

  /** What of a block is none of these keywords. */
  leaveOthers(block: Block, ...known: readonly string[]): void {
    for (const statement of block ?? []) {
      const [keyword = ""] = statement.words;
      if (!known.includes(keyword) && !FLAGS.test(keyword)) this.leaveUnknown(statement);
    }
  }

  leaveUnknown(statement: Statement): void {
    const [keyword = ""] = statement.words;
    this.leave(statement, NOT_TAKEN[keyword] ?? (keyword.startsWith("vrrp_") ? VRRP : OTHERWISE));
  }

  /** What stands behind the value of one of these keywords. */
  leaveExtra(block: Block, ...keywords: readonly string[]): void {
    for (const { at, words } of named(block, ...keywords))
      if (words.length > 2)
        this.left.push({
          ...at,
          reason: `has more behind ${words[0]} than a value: keepalived reads no further`,
        });
  }

  /** Of keywords that count once, and their synonyms, all but the last. */
  leaveRepeated(block: Block, ...keywords: readonly (readonly string[])[]): void {
    for (const each of keywords) {
      const said = named(block, ...each);
      for (const statement of said.slice(0, -1))
        this.leave(statement, `is said again in line ${said.at(-1)?.at.line}, which counts`);
    }
  }
}
