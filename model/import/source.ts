/** What both formats come to: a cluster as a configuration file of its own describes it, each part with the line that says so. */
import type { Forwarding } from "../director/ldirectord/conf";
import type { Family } from "../lab/address";
import type { DirectorMode } from "../lab/types";

export interface Line {
  /** From 1. */
  readonly line: number;
  /** As it stands in the file, without indentation, and without passwords. */
  readonly text: string;
  /** The file, where it is one that the imported one includes. */
  readonly file?: string;
}

/** What tells lines apart. */
export const lineKey = ({ file, line }: Line): string => `${line} ${file}`;

/** A line that is not taken over, or not as it stands. */
export interface Left extends Line {
  readonly reason: string;
}

/** Keys of a stack's configuration, for its schema to judge. */
export type Fields = Record<string, unknown>;

export interface SourceServer {
  readonly at: Line;
  /** An address, or one of Source.names. */
  readonly address: string;
  readonly port: number;
  readonly forward: Forwarding;
  /** The file's word for it, where it is another one. */
  readonly method?: string;
  /** weight, lowerThreshold, upperThreshold, request, receive. */
  readonly fields: Fields;
  /** Lines of its block. */
  readonly inner?: readonly Line[];
}

export interface SourceService {
  readonly at: Line;
  /** Absent in a service by firewall mark, whose rules are elsewhere. */
  readonly vip?: string;
  readonly mark?: number;
  readonly family: Family;
  readonly port: number;
  /** As in `services[]`, but for its name, its address and ports, and its servers. */
  readonly fields: Fields;
  readonly servers: readonly SourceServer[];
  readonly sorry?: Omit<SourceServer, "fields">;
  /** All lines of its block: the same array where several services have one. */
  readonly inner: readonly Line[];
  /** Those of them that say what its check asks for and expects. */
  readonly asking: readonly Line[];
  /** By the field, "healthCheck.request". */
  readonly lines: Readonly<Record<string, Line>>;
}

export interface Source {
  /** Who checks the real servers. */
  readonly mode: DirectorMode;
  /** The same file as ldirectord can serve it, for where keepalived's checkers, as a lab has them, cannot. */
  readonly otherwise?: () => Source;
  /** Every line that says something. */
  readonly all: readonly Line[];
  readonly services: readonly SourceService[];
  /** As in `ldirectord`. */
  readonly ldirectord: Fields;
  readonly lines: Readonly<Record<string, Line>>;
  /** As in `highAvailability`, where the file's director has a peer. */
  readonly pair?: {
    readonly at: Line;
    readonly fields: Fields;
    readonly lines: Readonly<Record<string, Line>>;
    /** What moves between the two. */
    readonly addresses: readonly { readonly at: Line; readonly address: string }[];
  };
  /** Names of hosts, by the addresses that stand for them, which nobody has. */
  readonly names: Readonly<Record<string, string>>;
  /** Networks that the file names. */
  readonly networks: readonly string[];
  readonly left: readonly Left[];
}

/** The director's own page stands in. */
export const isOwn = ({ address }: { readonly address: string }): boolean =>
  address.startsWith("127.") || address === "::1";

const SECRETS = /(^|[\s{])(login|passwd|secret|password|auth_pass)(\s*=\s*|\s+).*/;
/** Programs with arguments, among which there may be passwords. */
const PROGRAMS =
  /((?:^|[\s{])(?:misc_path|notify\w*|quorum_up|quorum_down|script|checkcommand|fallbackcommand|callback)(?:\s*=\s*|\s+)["']?[^\s"'{}]+)["']?\s+[^\s{}].*/;

/** A line without what nobody else is to read. */
export const shown = (text: string): string =>
  text.trim().replace(SECRETS, "$1$2$3***").replace(PROGRAMS, "$1 ***");
