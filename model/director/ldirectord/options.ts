/** Every option of ldirectord 4.12: where it is allowed, and the form that its parser takes. The order is the order of rendering. */

/**
 * yesno: yes or no. integer: digits. word: one bare word. bare: the rest of the line. quoted: in double quotes, without
 * which the parser does not know the option. list: bare words joined by commas. each: one line for each value.
 */
export type OptionKind = "yesno" | "integer" | "word" | "bare" | "quoted" | "list" | "each";

export type OptionValue<K> = K extends "yesno"
  ? boolean
  : K extends "integer"
    ? number
    : K extends "list" | "each"
      ? readonly string[]
      : string;

export interface Option {
  readonly scope: "global" | "virtual" | "both";
  readonly kind: OptionKind;
}

const global = <K extends OptionKind>(kind: K) => ({ scope: "global", kind }) as const;
const virtual = <K extends OptionKind>(kind: K) => ({ scope: "virtual", kind }) as const;
const both = <K extends OptionKind>(kind: K) => ({ scope: "both", kind }) as const;

export const OPTIONS = {
  // Scheduling.
  protocol: virtual("word"),
  scheduler: virtual("word"),
  schedflags: virtual("word"),
  persistent: virtual("integer"),
  // Dotted for IPv4, a prefix length for IPv6.
  netmask: virtual("word"),
  ops: virtual("yesno"),
  // Checks.
  checktype: virtual("word"),
  service: virtual("word"),
  checkcommand: virtual("quoted"),
  checkport: virtual("integer"),
  request: virtual("quoted"),
  receive: virtual("quoted"),
  httpmethod: virtual("word"),
  virtualhost: virtual("quoted"),
  login: virtual("quoted"),
  passwd: virtual("quoted"),
  database: virtual("quoted"),
  secret: virtual("quoted"),
  // Parsed and never used.
  load: virtual("quoted"),
  monitorfile: virtual("quoted"),
  servicename: virtual("bare"),
  comment: virtual("bare"),
  checktimeout: both("integer"),
  negotiatetimeout: both("integer"),
  // Of one virtual only with fork=yes.
  checkinterval: both("integer"),
  // Deprecated, for ping checks only.
  checkcount: both("integer"),
  failurecount: both("integer"),
  // The daemon. Upstream's global parser takes callback and logfile only in quotes, and fallbackcommand only without.
  autoreload: global("yesno"),
  callback: global("quoted"),
  logfile: global("quoted"),
  execute: global("each"),
  supervised: global("yesno"),
  fork: global("yesno"),
  maintenancedir: global("bare"),
  // Off unless written, whatever the man page says.
  quiescent: both("yesno"),
  readdquiescent: global("yesno"),
  // On unless written: stopping the daemon empties the table.
  cleanstop: both("yesno"),
  fallbackcommand: both("bare"),
  emailalert: both("list"),
  emailalertfrom: global("bare"),
  emailalertfreq: both("integer"),
  emailalertstatus: both("list"),
  smtp: both("word"),
} as const satisfies Record<string, Option>;
