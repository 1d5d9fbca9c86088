/**
 * Building blocks of the configuration schema. Every message has the form "what is wrong || what to do": decode.ts
 * splits it into the two halves of a Problem.
 */
import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { Address, isAddress, lengthOfNetmask, networkFault, Prefix } from "../lab/address";
import { patternFault } from "./perlPattern";

export const SEPARATOR = " || ";

export function says(message: string, fix: string): string {
  return `${message}${SEPARATOR}${fix}`;
}

/** A key that may be left out. @param fallback in words, what stands for it then, where that depends on others */
export function optional<T extends z.ZodType>(type: T, about: string, fallback?: string): z.ZodOptional<T> {
  const key = type.optional().describe(about);
  return fallback === undefined ? key : key.meta({ "x-default": fallback });
}

/** A key of an object that may be left out itself. Without it the object is refused by the invariants, which know what to write instead. */
export const required = <T extends z.ZodType>(type: T, about: string): z.ZodOptional<T> =>
  optional(type, about).meta({ "x-required": true });

/** @param what of what, in the plural */
export const list = <T extends z.ZodType>(of: T, what: string, most: number) =>
  z
    .array(of, { error: says("must be a list", `write a list of ${what}`) })
    .max(most, { error: says(`has more than ${most} ${what}`, "remove some") });

/** The error of a list that may not be empty. */
export const needs = (what: string) => ({
  error: says(`is empty: need ${what}`, "add one, or leave the key out"),
});

/** An integer of a closed range. `unit` and `hint` end the message: "seconds", "; 0 means off". */
export function integer(min: number, max: number, unit = "", hint = ""): z.ZodInt {
  const of = unit === "" ? "" : ` ${unit}`;
  // A number in quotes is a text, and looks right to who wrote it.
  const error = ({ input }: { input?: unknown }): string =>
    says(
      `must be an integer from ${min} to ${max}${of}${hint}`,
      `choose ${min} to ${max}${typeof input === "string" ? ", written without quotes" : ""}`,
    );
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function choice<const T extends readonly [string, ...string[]]>(values: T, what: string) {
  return z.enum(values, { error: says(`is not a valid ${what}`, `choose one of ${values.join(", ")}`) });
}

export function flag() {
  return z.boolean({ error: says("must be true or false", "write true or false, without quotes") });
}

function text() {
  return z.string({ error: says("must be a text", "write a text") });
}

/** @param fault what is wrong with a text, as `says` words it; undefined where nothing is */
function judged(type: z.ZodString, fault: (value: string) => string | undefined): z.ZodString {
  return type.check(({ value, issues }) => {
    const message = fault(value);
    if (message !== undefined) issues.push({ code: "custom", input: value, message });
  });
}

export function ipv4() {
  return judged(text(), ipv4Fault);
}

function ipv4Fault(value: string): string | undefined {
  if (isAddress(value, 4)) return undefined;
  if (/^\d[\d.]+\s*(->|-|–|\.\.)\s*\d[\d.]*$/.test(value))
    return says(
      "is a range: IPVS has an entry for each address, which ldirectord writes out too",
      "write one address, and an entry for each",
    );
  return says(
    /^\s*\[/.test(value)
      ? "is a list, and one IPv4 address is required"
      : value.includes(":")
        ? "is not IPv4: an IPv4 address is required"
        : /^[\d.]+$/.test(value)
          ? "is not an IPv4 address: four numbers from 0 to 255 without leading zeros"
          : "is not an IPv4 address: an IPv4 address is required, not a name",
    "write one address such as 192.168.7.10",
  );
}

/** One text for each address: guests, ldirectord and ipvsadm print RFC 5952's, and what is compared must not differ. */
export function ipv6() {
  return judged(text(), (value) => ipv6Fault(value));
}

const MAPPED = Prefix.parse("::ffff:0:0/96");

/** @param behind what stands behind the address, and stays there */
function ipv6Fault(value: string, behind = ""): string | undefined {
  const address = Address.read(value);
  if (address?.family !== 6)
    return says("is not an IPv6 address", "write one address such as fd00:7::10, without prefix and zone");
  if (MAPPED.contains(address))
    return says(
      "is an IPv4 address mapped into IPv6, which no packet carries",
      "write one such as fd00:7::10",
    );
  if (String(address) === value) return undefined;
  return says(
    "is not written as RFC 5952 has it, and as all programs print it",
    `write ${String(address)}${behind}`,
  );
}

/** An address of either family. */
export function ipAddress() {
  return judged(text(), (value) => (value.includes(":") ? ipv6Fault : ipv4Fault)(value));
}

/** Prefixes of IPv6 that a segment can have: shorter than any network is, and longer than leaves room for the nodes' addresses by rule. */
const LENGTHS6 = { min: 16, max: 96 } as const;

export function cidr6() {
  return judged(text(), (value) => {
    const { min, max } = LENGTHS6;
    const prefix = Prefix.read(value);
    const [host = "", length] = value.split("/");
    const choose = `choose a prefix from ${min} to ${max}, such as /64`;
    return prefix?.network.family !== 6 || length === undefined
      ? says("is not an IPv6 network", "write ADDRESS/PREFIX such as fd00:7::/64")
      : MAPPED.contains(host)
        ? says(
            "is of IPv4 addresses mapped into IPv6, which no packet carries",
            "write one such as fd00:7::/64",
          )
        : prefix.length < min || prefix.length > max
          ? says(`/${prefix.length} is not a segment's`, choose)
          : String(prefix) !== value
            ? says(
                prefix.contains(host) && String(Address.read(host)) === host
                  ? "has host bits set"
                  : "is not written as RFC 5952 has it",
                `write ${String(prefix)}`,
              )
            : undefined;
  });
}

/** @param longest the longest prefix: a segment has three hosts or more, a VIP's network may be the VIP alone */
export function cidr(longest: 30 | 32 = 30) {
  return judged(text(), (value) => {
    const wrong = networkFault(value, longest);
    if (wrong === undefined) return undefined;
    const prefix = value.split("/")[1] ?? "";
    const range = `choose a prefix from 8 to ${longest === 30 ? 29 : longest}`;
    const faults = {
      syntax: says("is not an IPv4 network", "write ADDRESS/PREFIX such as 192.168.7.0/24"),
      prefix: says(`/${prefix} is not an IPv4 prefix`, range),
      room: says(`/${prefix} leaves no room for hosts`, range),
      hostBits: says("has host bits set", `write ${wrong.corrected ?? ""}`),
    };
    return faults[wrong.fault];
  });
}

/** An address with the length of its network's prefix. */
export function addressInNetwork() {
  return judged(text(), (value) => {
    const [host = "", length] = value.split("/");
    const prefix = length === undefined ? undefined : Prefix.read(value);
    if (prefix?.network.family === 6) {
      const { min } = LENGTHS6;
      if (prefix.length >= min) return ipv6Fault(host, `/${prefix.length}`);
      return says(`/${prefix.length} is no network of VIPs`, `choose a prefix from ${min}, such as /64`);
    }
    if (prefix !== undefined && prefix.length > 0) return undefined;
    return says(
      "is not an address with its network's prefix",
      "write ADDRESS/PREFIX such as 203.0.113.10/29, /32 where the router has a route to the address alone, or 2001:db8:2::10/64",
    );
  });
}

export function netmask() {
  return judged(text(), (value) => {
    const prefix = lengthOfNetmask(value);
    if (prefix !== undefined && prefix > 0) return undefined;
    return prefix === 0
      ? says(
          "is /0: all clients would stick to one server",
          "choose a longer mask, 255.255.255.255 for one client each",
        )
      : says("is not an IPv4 netmask", "write a dotted mask such as 255.255.255.0");
  });
}

const DNS_LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A guest's name: it becomes a host name and part of a libvirt name. */
export function nodeName() {
  return text().regex(DNS_LABEL, {
    error: says(
      "is not a DNS label",
      "use 1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last",
    ),
  });
}

export function mac() {
  return judged(text(), (value) => {
    const valid = /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(value);
    const unicast = valid && (parseInt(value.slice(0, 2), 16) & 1) === 0;
    if (unicast && !/^[0:]+$/.test(value)) return undefined;
    return says(
      valid ? "is not a unicast MAC address" : "is not a MAC address",
      "write one such as 52:54:00:12:34:56, or leave it out",
    );
  });
}

/** Where a text would break out of its line in ldirectord.cf: 1-based position of the first such character. */
export function corruptsAt(value: string): number | undefined {
  const index = value.search(/[\u0000-\u001f\u007f"#]/);
  return index < 0 ? undefined : index + 1;
}

/** A text for ldirectord.cf: its parser knows no escapes, cuts at "#" and expands tabs even inside quotes. */
export function directive(max = 1024) {
  const line = text()
    .min(1, { error: says("is empty", "leave the key out or give it a value") })
    .max(max, { error: says(`is longer than ${max} characters`, "shorten it") });
  return judged(line, (value) => {
    const position = corruptsAt(value);
    if (position !== undefined)
      return says(
        `would corrupt ldirectord.cf at position ${position}`,
        'remove line breaks, control characters, " and #',
      );
    if (value === value.trim()) return undefined;
    return says("starts or ends with a space, which ldirectord keeps or drops by option", "remove it");
  });
}

export function absolutePath() {
  return directive().regex(/^\//, { error: says("is not an absolute path", "start it with /") });
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Certificates in PEM, one or more; what stands between them is no matter. */
export function certificates() {
  const limited = text().max(65536, {
    error: says("is longer than 64 KiB", "name only the issuers of your servers"),
  });
  return judged(limited, (value) => {
    const found = value.match(CERTIFICATE) ?? [];
    const bad = found.findIndex((each) => !isCertificate(each));
    if (found.length > 0 && bad < 0) return undefined;
    return says(
      found.length === 0 ? "holds no certificate in PEM" : `holds one that cannot be read, number ${bad + 1}`,
      'write the text of the file, from -----BEGIN CERTIFICATE----- on; with `pulumi config set --path`, "$(cat ca.pem)"',
    );
  });
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== "";
  } catch {
    return false;
  }
}

/** A Perl regular expression, as far as it can be judged without Perl; ldirectord's dry run judges the rest. */
export function pattern() {
  return judged(directive(), (value) => {
    const fault = patternFault(value);
    return (
      fault &&
      says(
        `is not a regular expression: ${fault.what} at position ${fault.position}`,
        "correct the expression, with a backslash before ( ) [ ] { } . * + ? that stand for themselves",
      )
    );
  });
}
