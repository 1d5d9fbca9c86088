/**
 * Every option of ldirectord 4.12: where it is allowed, the form its parser takes, its domain and its meaning. The order
 * is the order of rendering.
 */

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
  /** Smallest and largest integer. */
  readonly range?: readonly [number, number];
  /** What each value must match, whole. */
  readonly pattern?: RegExp;
  readonly about: string;
}

const SECONDS = [1, 2147483647] as const;
const PATH = /^\/.*$/;
const STATES = /^(all|none|starting|running|stopping|reloading)$/;
const MAIL = /^[^\s,@]+@[^\s,@]+$/;
const CHECK_SERVICE =
  /^(dns|ftp|https?|http_proxy|imaps?|ldaps?|mysql|nntp|none|oracle|pgsql|pops?|radius|simpletcp|sip|smtp|submission)$/;

export const OPTIONS = {
  // Scheduling.
  protocol: { scope: "virtual", kind: "word", pattern: /^(tcp|udp|fwm)$/, about: "fwm for firewall marks" },
  scheduler: { scope: "virtual", kind: "word", pattern: /^[a-z]+$/, about: "default wrr" },
  schedflags: { scope: "virtual", kind: "word", pattern: /^[a-z0-9-]+(,[a-z0-9-]+)*$/, about: "ipvsadm -b" },
  persistent: {
    scope: "virtual",
    kind: "integer",
    range: [1, 2678400],
    about: "seconds; the kernel stops at 31 days",
  },
  netmask: {
    scope: "virtual",
    kind: "word",
    pattern: /^(\d+\.\d+\.\d+\.\d+|[1-9]\d{0,2})$/,
    about: "granularity of persistence: dotted for IPv4, a prefix length of 1 to 128 for IPv6",
  },
  ops: { scope: "virtual", kind: "yesno", about: "one-packet scheduling, udp only" },
  // Checks.
  checktype: {
    scope: "virtual",
    kind: "word",
    pattern: /^(connect|external|external-perl|negotiate|off|on|ping|[1-9]\d*)$/,
    about: "a number N: one negotiate check after N connects; default negotiate",
  },
  service: {
    scope: "virtual",
    kind: "word",
    pattern: CHECK_SERVICE,
    about: "protocol of a negotiate check; default by port",
  },
  checkcommand: { scope: "virtual", kind: "quoted", pattern: PATH, about: "program of external checks" },
  checkport: {
    scope: "virtual",
    kind: "integer",
    range: [1, 65535],
    about: "default: each real server's port",
  },
  request: { scope: "virtual", kind: "quoted", about: "a leading / is added where there is none" },
  receive: { scope: "virtual", kind: "quoted", about: "Perl regular expression, matched against the body" },
  httpmethod: { scope: "virtual", kind: "word", pattern: /^(GET|HEAD)$/, about: "default GET" },
  virtualhost: { scope: "virtual", kind: "quoted", about: "Host header" },
  login: { scope: "virtual", kind: "quoted", about: "ftp: anonymous; sip: ldirectord@HOSTNAME" },
  passwd: { scope: "virtual", kind: "quoted", about: "ftp: ldirectord@HOSTNAME" },
  database: { scope: "virtual", kind: "quoted", about: "mysql, oracle and pgsql" },
  secret: { scope: "virtual", kind: "quoted", about: "radius" },
  load: { scope: "virtual", kind: "quoted", pattern: /\w/, about: "parsed and never used" },
  monitorfile: {
    scope: "virtual",
    kind: "quoted",
    pattern: PATH,
    about: "opened while the file is parsed; a full disk ends the daemon",
  },
  servicename: { scope: "virtual", kind: "bare", about: "for alerts" },
  comment: { scope: "virtual", kind: "bare", about: "for alerts" },
  checktimeout: {
    scope: "both",
    kind: "integer",
    range: SECONDS,
    about: "default: negotiatetimeout, else 5",
  },
  negotiatetimeout: {
    scope: "both",
    kind: "integer",
    range: SECONDS,
    about: "default: checktimeout, else 30",
  },
  checkinterval: {
    scope: "both",
    kind: "integer",
    range: SECONDS,
    about: "default 10; of one virtual only with fork=yes",
  },
  checkcount: {
    scope: "both",
    kind: "integer",
    range: [1, 2147483647],
    about: "deprecated, ping checks only; default 1",
  },
  failurecount: { scope: "both", kind: "integer", range: [1, 2147483647], about: "default 1" },
  // The daemon. Upstream's global parser takes callback and logfile only in quotes, and fallbackcommand only without.
  autoreload: { scope: "global", kind: "yesno", about: "default no" },
  callback: { scope: "global", kind: "quoted", pattern: PATH, about: "run when the file has changed" },
  logfile: {
    scope: "global",
    kind: "quoted",
    pattern: /^(\/.*|[a-z0-9]+)$/,
    about: "a path, or a syslog facility",
  },
  execute: { scope: "global", kind: "each", about: "another configuration that gets a daemon" },
  supervised: {
    scope: "global",
    kind: "yesno",
    about: "stay in the foreground and log to stdout; default no",
  },
  fork: { scope: "global", kind: "yesno", about: "a process for each virtual; default no" },
  maintenancedir: {
    scope: "global",
    kind: "bare",
    pattern: PATH,
    about: "does a reverse DNS look-up at every check",
  },
  quiescent: { scope: "both", kind: "yesno", about: "default no (the man page says yes)" },
  readdquiescent: { scope: "global", kind: "yesno", about: "default no" },
  cleanstop: { scope: "both", kind: "yesno", about: "default yes: stopping empties the table" },
  fallbackcommand: {
    scope: "both",
    kind: "bare",
    pattern: PATH,
    about: "run with start or stop, VIP:PORT and protocol",
  },
  emailalert: { scope: "both", kind: "list", pattern: MAIL, about: "needs MailTools" },
  emailalertfrom: { scope: "global", kind: "bare", about: "default: the system's" },
  emailalertfreq: {
    scope: "both",
    kind: "integer",
    range: [0, 2147483647],
    about: "seconds; default 0, once",
  },
  emailalertstatus: { scope: "both", kind: "list", pattern: STATES, about: "default all" },
  smtp: { scope: "both", kind: "word", pattern: /^[0-9A-Za-z._+-]+$/, about: "default: the system's way" },
} as const satisfies Record<string, Option>;
