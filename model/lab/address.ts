/**
 * Addresses, networks and endpoints of both families. Strict where ipaddr.js is lenient: "10.1" and "010.0.0.1" are refused here, because
 * inet_aton, ip(8) and ldirectord each read them differently. A lab has all of them as texts; this is how they are read and written.
 */
import * as ipaddr from "ipaddr.js";

export type Family = 4 | 6;

const BITS = { 4: 32, 6: 128 } as const;
const QUAD = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/;

export class Address {
  private constructor(
    readonly family: Family,
    /** As an unsigned number of 32 or 128 bits. */
    readonly value: bigint,
  ) {}

  /** Undefined where `text` is not an address; one with a zone ("fe80::1%eth0") is not. */
  static read(text: string): Address | undefined {
    const valid = text.includes(":")
      ? !text.includes("%") && ipaddr.IPv6.isValid(text)
      : QUAD.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text);
    if (!valid) return undefined;
    const bytes = ipaddr.parse(text).toByteArray();
    const value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return new Address(bytes.length === 4 ? 4 : 6, value);
  }

  /** @throws RangeError when `text` is not an address */
  static parse(text: string): Address {
    const address = Address.read(text);
    if (address === undefined) throw new RangeError(`not an address: ${text}`);
    return address;
  }

  /** Bits of an address of this family: the length of the prefix that holds it alone. */
  get bits(): number {
    return BITS[this.family];
  }

  plus(offset: number | bigint): Address {
    return new Address(this.family, this.value + BigInt(offset));
  }

  /** The first address of the network of that length which it is in. */
  first(length: number): Address {
    const hostBits = BigInt(this.bits - length);
    return new Address(this.family, (this.value >> hostBits) << hostBits);
  }

  toString(): string {
    const bytes = Array.from({ length: this.bits / 8 }, (_unused, at) =>
      Number((this.value >> BigInt(this.bits - 8 * (at + 1))) & 255n),
    );
    return ipaddr.fromByteArray(bytes).toString();
  }
}

/** Whether `text` is an address, of that family where one is named. */
export function isAddress(text: string, family?: Family): boolean {
  const address = Address.read(text);
  return address !== undefined && (family ?? address.family) === address.family;
}

export type PrefixFault = "syntax" | "prefix" | "room" | "hostBits";

/** A network: its first address and its length. */
export class Prefix {
  private constructor(
    readonly network: Address,
    readonly length: number,
  ) {}

  /** The network of that length which an address is in. */
  static around(address: Address, length: number): Prefix {
    return new Prefix(address.first(length), length);
  }

  /** "10.0.0.0/8", or an address alone; undefined where `text` is neither. Host bits do not matter. */
  static read(text: string): Prefix | undefined {
    const [, host = "", digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const address = Address.read(host);
    const length = Number(digits ?? address?.bits);
    return address === undefined || length > address.bits ? undefined : Prefix.around(address, length);
  }

  /** @throws RangeError when `text` is not a network, or has host bits */
  static parse(text: string): Prefix {
    const prefix = Prefix.read(text);
    if (prefix === undefined || String(prefix) !== text) throw new RangeError(`not a network: ${text}`);
    return prefix;
  }

  /** Addresses in the network, with the first and the last one. */
  get size(): number {
    return 2 ** (this.network.bits - this.length);
  }

  /** Addresses that a host can have: without the first and the last one, unless there are no others (RFC 3021). */
  get hosts(): number {
    return this.size > 2 ? this.size - 2 : this.size;
  }

  contains(address: string | Address): boolean {
    const { family, value } = typeof address === "string" ? Address.parse(address) : address;
    const hostBits = BigInt(this.network.bits - this.length);
    return family === this.network.family && value >> hostBits === this.network.value >> hostBits;
  }

  overlaps(other: Prefix): boolean {
    return this.contains(other.network) || other.contains(this.network);
  }

  /** How far an address is from the first one. */
  offsetOf(address: string): number {
    return Number(Address.parse(address).value - this.network.value);
  }

  /** What an address is within the network: its first, its last, or a host's. IPv6 has no broadcast. */
  kindOf(address: string): "network" | "broadcast" | "host" {
    const offset = this.offsetOf(address);
    if (this.size <= 2) return "host";
    if (offset === 0) return "network";
    return this.network.family === 4 && offset === this.size - 1 ? "broadcast" : "host";
  }

  toString(): string {
    return withLength(String(this.network), this.length);
  }
}

/**
 * What is wrong with `text` as a network of IPv4; `corrected` is the network that was probably meant.
 * @param longest the longest prefix that has room enough
 */
export function networkFault(
  text: string,
  longest = 30,
): { fault: PrefixFault; corrected?: string } | undefined {
  const [, host = "", digits] = /^([0-9.]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (!isAddress(host, 4)) return { fault: "syntax" };
  const length = Number(digits);
  if (length > BITS[4]) return { fault: "prefix" };
  if (length > longest || length === 0) return { fault: "room" };
  const network = String(Prefix.read(text));
  return network === text ? undefined : { fault: "hostBits", corrected: network };
}

/** "192.168.7.30/24": an address with the length of its network's prefix, as a NIC has it. */
export function withLength(address: string, length: number): string {
  return `${address}/${length}`;
}

/** "192.168.7.30/24" → "192.168.7.30". */
export function withoutLength(address: string): string {
  return address.split("/")[0] ?? address;
}

/** Of a text that is an address. */
export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

/** "10.0.0.100/32": an address alone, as a VIP is on its device. */
export function hostPrefix(address: string): string {
  return withLength(address, BITS[familyOf(address)]);
}

/** "255.255.255.0" → 24; undefined when the ones are not all on the left. */
export function lengthOfNetmask(mask: string): number | undefined {
  if (!isAddress(mask, 4)) return undefined;
  return ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() ?? undefined;
}

export function netmaskOfLength(length: number): string {
  return ipaddr.IPv4.subnetMaskFromPrefixLength(length).toString();
}

export interface Endpoint {
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
}

/** "10.0.0.100:80", "[2001:db8::1]:80"; without a port just the host. */
export function endpoint(address: string, port?: number): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === undefined ? host : `${host}:${port}`;
}

export function readEndpoint(text: string): Endpoint | undefined {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const address = six ?? four;
  return address === undefined ? undefined : { address, port: Number(port) };
}
