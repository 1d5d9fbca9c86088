/** What keepalived.conf names its virtual servers by: addresses with ports, ranges of them, and marks. */
import { Address, familyOf, isAddress, Prefix, type Family } from "../lab/address";
import { canonical } from "./keepalivedBlocks";
import type { Line } from "./source";

export const SKIPPED = "is not an address: keepalived skips it";
export const NO_PORT = "has no port from 0 to 65535: keepalived skips it";
const HIGHEST = 65535;
/** A group's range or network of more addresses is no list of VIPs. */
const MOST = 256;

export type Target = ({ readonly vip: string } | { readonly mark: number }) & {
  readonly port: number;
  readonly family: Family;
  /** Of a group. */
  readonly at?: Line;
};

/** Names are none, and ranges neither. */
export const isPort = (text: string): boolean => /^\d+$/.test(text) && Number(text) <= HIGHEST;

export function targetOf([text = "", port]: readonly string[], ofMarks: Family): Target | string {
  if (text === "fwmark") return { mark: Number(port), port: 0, family: ofMarks };
  if (!isAddress(text)) return SKIPPED;
  if (port !== undefined && !isPort(port)) return NO_PORT;
  const vip = canonical(text);
  return { vip, port: Number(port ?? 0), family: familyOf(vip) };
}

/** An entry of a group: an address, several as 10.0.0.3-10, 10.0.0.3-10.0.0.10 or 10.0.0.0/28, or a mark. The end of a range is hexadecimal in IPv6. */
export function rangeOf([text = "", port]: readonly string[], ofMarks: Family): (Target | string)[] {
  const [, first = "", last] = /^([^-/]+)(?:-(.+))?/.exec(text) ?? [];
  const start = Address.read(first);
  if (start === undefined || text === first)
    return [
      targetOf(
        [text, port].filter((each) => each !== undefined),
        ofMarks,
      ),
    ];
  const network = text.includes("/") ? Prefix.read(text) : undefined;
  const [separator, digits] = start.family === 6 ? [":", /[\da-f]*$/i] : [".", /\d+$/];
  const end =
    last === undefined
      ? undefined
      : Address.read(last.includes(separator as string) ? last : first.replace(digits, last));
  const count = network?.size ?? Number((end?.value ?? start.value - 1n) - start.value) + 1;
  if (count < 1 || count > MOST) return [`is not a range of up to ${MOST} addresses`];
  return Array.from({ length: count }, (_unused, index) =>
    targetOf([String(start.plus(index)), ...(port === undefined ? [] : [port])], ofMarks),
  );
}
