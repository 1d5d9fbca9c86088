/** The typed form of ldirectord.cf: what its text is rendered from and what is checked before. */
import type { OPTIONS, OptionValue } from "./options";

export type GlobalOption = {
  [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]["scope"] extends "virtual" ? never : K;
}[keyof typeof OPTIONS];
export type VirtualOption = {
  [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]["scope"] extends "global" ? never : K;
}[keyof typeof OPTIONS];
type ValueOf<K extends keyof typeof OPTIONS> = OptionValue<(typeof OPTIONS)[K]["kind"]>;

export type Forwarding = "gate" | "masq" | "ipip";

/** A sorry server: `fallback` or, for IPv6, `fallback6`. */
export interface Fallback {
  readonly address: string;
  readonly port?: number;
  readonly forward?: Forwarding;
}

export interface RealLine {
  readonly address: string;
  /** Last address of a range, IPv4 only. */
  readonly to?: string;
  /** Absent in services by firewall mark. */
  readonly port?: number;
  readonly forward: Forwarding;
  readonly weight: number;
  /** Replaces request and receive of the service for this server. */
  readonly check?: { readonly request: string; readonly receive: string };
  readonly lowerThreshold?: number;
  readonly upperThreshold?: number;
}

export interface VirtualBlock {
  /** An address without brackets and a port, or a firewall mark. */
  readonly target: { readonly address: string; readonly port: number } | { readonly fwmark: number };
  readonly family: 4 | 6;
  readonly reals: readonly RealLine[];
  readonly fallback?: Fallback;
  readonly options: { readonly [K in VirtualOption]?: ValueOf<K> };
}

export interface LdirectordConf {
  readonly fallback?: Fallback;
  readonly fallback6?: Fallback;
  readonly options: { readonly [K in GlobalOption]?: ValueOf<K> };
  readonly virtuals: readonly VirtualBlock[];
}
