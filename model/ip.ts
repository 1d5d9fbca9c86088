/**
 * IPv4 arithmetic on plain strings, strict where ipaddr.js is lenient: "10.1" and "010.0.0.1" are refused here,
 * because inet_aton, ip(8) and ldirectord each read them differently.
 */
import * as ipaddr from "ipaddr.js";

export interface Cidr {
  /** Network address as an unsigned 32-bit number. */
  readonly network: number;
  readonly prefix: number;
}

const QUAD = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/;

/** Whether `text` is a dotted quad, each octet 0 to 255 without leading zeros. */
export function isIpv4(text: string): boolean {
  return QUAD.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text);
}

/** @throws RangeError when `text` is no IPv4 address. */
export function toNumber(text: string): number {
  if (!isIpv4(text)) throw new RangeError(`not an IPv4 address: ${text}`);
  return ipaddr.IPv4.parse(text)
    .toByteArray()
    .reduce((sum, octet) => sum * 256 + octet, 0);
}

export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

export type CidrFault = "syntax" | "prefix" | "room" | "hostBits";

/**
 * Reads "172.18.0.0/16". A fault says what is wrong: not ADDRESS/PREFIX, a prefix over 32, one over 30 (no room for
 * hosts), or host bits that are not zero; `corrected` is then the network that was probably meant.
 */
export function readCidr(text: string): { cidr: Cidr } | { fault: CidrFault; corrected?: string } {
  const match = /^([0-9.]+)\/(\d{1,3})$/.exec(text);
  const address = match?.[1];
  if (address === undefined || !isIpv4(address)) return { fault: "syntax" };
  const prefix = Number(match?.[2]);
  if (prefix > 32) return { fault: "prefix" };
  if (prefix > 30 || prefix === 0) return { fault: "room" };
  const number = toNumber(address);
  const network = maskTo(number, prefix);
  if (network !== number) return { fault: "hostBits", corrected: `${toAddress(network)}/${prefix}` };
  return { cidr: { network, prefix } };
}

/** @throws RangeError when `text` is no clean IPv4 network. */
export function parseCidr(text: string): Cidr {
  const read = readCidr(text);
  if (!("cidr" in read)) throw new RangeError(`not an IPv4 network: ${text}`);
  return read.cidr;
}

function maskTo(number: number, prefix: number): number {
  const size = 2 ** (32 - prefix);
  return Math.floor(number / size) * size;
}

/** Addresses in the network, with its network and broadcast address. */
export function sizeOf(cidr: Cidr): number {
  return 2 ** (32 - cidr.prefix);
}

/** Addresses that a host can have. */
export function hostsOf(cidr: Cidr): number {
  return sizeOf(cidr) - 2;
}

export function contains(cidr: Cidr, address: string): boolean {
  return maskTo(toNumber(address), cidr.prefix) === cidr.network;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return maskTo(a.network, prefix) === maskTo(b.network, prefix);
}

/** What an address is within a network: its network address, its broadcast address, or a host's. */
export function kindOf(cidr: Cidr, address: string): "network" | "broadcast" | "host" {
  const offset = toNumber(address) - cidr.network;
  if (offset === 0) return "network";
  return offset === sizeOf(cidr) - 1 ? "broadcast" : "host";
}

export function withPrefix(address: string, cidr: Cidr): string {
  return `${address}/${cidr.prefix}`;
}

/** "255.255.255.0" → 24; undefined when the ones are not all on the left. */
export function prefixOfNetmask(mask: string): number | undefined {
  if (!isIpv4(mask)) return undefined;
  const prefix = ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask();
  return prefix === null ? undefined : prefix;
}

/**
 * Hands out default addresses of one network, by the host parts of the article's lab, so that a changed CIDR alone
 * makes a whole new lab.
 */
export class AddressPlan {
  private readonly taken = new Set<number>();

  constructor(
    private readonly cidr: Cidr,
    taken: readonly string[],
  ) {
    for (const address of taken)
      if (contains(cidr, address)) this.taken.add(toNumber(address) - cidr.network);
  }

  /**
   * The address of a node that has its place: it gives way to nobody where its host part fits, so that another node
   * configured there is a mistake that gets reported. Undefined when the network is full.
   */
  fixed(hostPart: number): string | undefined {
    if (hostPart >= sizeOf(this.cidr) - 1) return this.next(hostPart);
    this.taken.add(hostPart);
    return toAddress(this.cidr.network + hostPart);
  }

  /** The host part (its low bits, in a smaller network) or the next free one; undefined when the network is full. */
  next(hostPart: number): string | undefined {
    const size = sizeOf(this.cidr);
    const wanted = hostPart % size;
    for (let step = 0; step < size; step++) {
      const offset = (wanted + step) % size;
      if (offset === 0 || offset === size - 1 || this.taken.has(offset)) continue;
      this.taken.add(offset);
      return toAddress(this.cidr.network + offset);
    }
    return undefined;
  }
}
