/** keepalived.conf: its virtual servers, in the lab's words, with keepalived 2.2.7's own defaults; its checkers as ldirectord's checks. */
import { given } from "../config/serviceDefaults";
import { Address, isAddress, Prefix, withoutLength } from "../lab/address";
import type { Forwarding } from "../director/ldirectord/conf";
import { ANYTHING, PROGRAM } from "./ldirectordCf";
import { parseKeepalived, quotedWords, type Include, type Statement } from "./keepalivedLexer";
import type { Fields, Left, Line, Source, SourceServer, SourceService } from "./source";

const QUORUM = "ldirectord has no quorum: the sorry server comes when no server is up";
const ROUTES = "the lab's guests have addresses and routes of their own";
/** By keyword why it is not taken over; others have nothing that corresponds to them. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  alpha: "the lab's table is filled before ldirectord starts, and servers count as up until a check fails",
  delay_before_retry: "ldirectord tries again in its next round, checkinterval seconds later",
  priority: "the file is one director's: the lab's two have priorities of their own",
  nb_get_retry: "keepalived knows it in HTTP_GET and SSL_GET only",
  ...Object.fromEntries(
    ["notify_down", "notify_up", "quorum_down", "quorum_up"].map((key) => [key, PROGRAM]),
  ),
  ...Object.fromEntries(["hysteresis", "omega", "quorum"].map((key) => [key, QUORUM])),
  ...Object.fromEntries(["static_ipaddress", "static_routes", "static_rules"].map((key) => [key, ROUTES])),
};
const VRRP = "of VRRP one instance's id, interval, addresses and preemption are taken over";
/** Of an instance. */
const PAIR: Readonly<Record<string, string>> = {
  virtual_router_id: "virtualRouterId",
  advert_int: "advertInterval",
};
const OTHERWISE = "nothing in a lab corresponds to it";

const FORWARDING: Readonly<Record<string, Forwarding>> = { DR: "gate", NAT: "masq", TUN: "ipip" };
const FLAGS = /^(flag-[123]|(sh|mh)-(port|fallback))$/;
/** What of a checker's block counts; keepalived knows nb_get_retry in HTTP_GET and SSL_GET alone. */
const CHECKER_KEYS: Readonly<Record<string, readonly string[]>> = {
  HTTP_GET: ["url", "virtualhost", "nb_get_retry"],
  SSL_GET: ["url", "virtualhost", "nb_get_retry", "enable_sni"],
  TCP_CHECK: [],
  SMTP_CHECK: [],
  PING_CHECK: [],
  UDP_CHECK: [],
  DNS_CHECK: ["type", "name"],
  MISC_CHECK: [],
  FILE_CHECK: [],
  BFD_CHECK: [],
};
const COMMON_KEYS = ["connect_port", "connect_timeout", "retry", "delay_loop"];
const SERVER_KEYS = [
  "weight",
  "lvs_method",
  "uthreshold",
  "lthreshold",
  "inhibit_on_failure",
  "virtualhost",
  "smtp_alert",
];
const SERVICE_KEYS = [
  ...[
    "lb_algo",
    "lvs_sched",
    "lb_kind",
    "lvs_method",
    "persistence_timeout",
    "persistence_granularity",
    "protocol",
    "ip_family",
  ],
  ...[
    "inhibit_on_failure",
    "sorry_server",
    "sorry_server_lvs_method",
    "virtualhost",
    "smtp_alert",
    "weight",
    "ops",
    "real_server",
  ],
];
/** keepalived's own, in seconds and times. */
const DEFAULTS = {
  delay_loop: 60,
  connect_timeout: 5,
  persistence: 360,
  retry: { MISC_CHECK: 0, DNS_CHECK: 3 } as Record<string, number>,
};
/** A group's range or network of more addresses is no list of VIPs. */
const MOST = 256;

type Target = { readonly vip: string; readonly port: number } | { readonly mark: number; readonly port: 0 };

interface Check {
  readonly at: Line;
  /** Of the service. */
  readonly fields: Fields;
  /** Of the real server alone, where others ask for something else. */
  readonly asks: Fields;
}

export function readKeepalivedConf(text: string, include: Include): Source {
  const { statements, all, left: refused } = parseKeepalived(text, include);
  const reader = new Reader([...refused]);
  for (const statement of statements) reader.read(statement);
  const { left, services, ldirectord, lines, networks } = reader;
  return { all, services, ldirectord, lines, names: {}, networks, left, ...reader.pair() };
}

const named = (block: readonly Statement[] = [], ...keywords: string[]): Statement[] =>
  block.filter(({ words: [keyword = ""] }) => keywords.includes(keyword));

/** The first argument of the last of them, as keepalived takes it. */
const value = (block: readonly Statement[] | undefined, ...keywords: string[]): string | undefined =>
  named(block, ...keywords).at(-1)?.words[1];

class Reader {
  readonly services: SourceService[] = [];
  readonly ldirectord: Fields = {};
  readonly lines: Record<string, Line> = {};
  readonly networks: string[] = [];
  private readonly groups = new Map<string, Statement>();
  private instance: Line | undefined;
  private readonly addresses: Statement[] = [];
  private readonly shared: Fields = {};
  private readonly sharedLines: Record<string, Line> = {};

  constructor(readonly left: Left[]) {}

  private leave({ at, block = [] }: Statement, reason: string): void {
    this.left.push({ ...at, reason });
    for (const each of block) this.leave(each, reason);
  }

  /** What of a block is none of these keywords. */
  private leaveOthers(block: readonly Statement[] | undefined, ...known: readonly string[]): void {
    for (const statement of block ?? []) {
      const [keyword = ""] = statement.words;
      if (!known.includes(keyword) && !FLAGS.test(keyword))
        this.leave(statement, NOT_TAKEN[keyword] ?? OTHERWISE);
    }
  }

  read(statement: Statement): void {
    const [keyword = "", name = ""] = statement.words;
    if (keyword === "global_defs") this.readGlobal(statement);
    else if (keyword === "virtual_server_group") this.groups.set(name, statement);
    else if (keyword === "virtual_server") this.readService(statement);
    else if (keyword === "vrrp_instance") this.readInstance(statement);
    else this.leave(statement, NOT_TAKEN[keyword] ?? (keyword.startsWith("vrrp_") ? VRRP : OTHERWISE));
  }

  private readGlobal({ block }: Statement): void {
    const keys = { notification_email_from: "emailalertfrom", smtp_server: "smtp" };
    this.leaveOthers(block, "notification_email", "lvs_sync_daemon", ...Object.keys(keys));
    if (named(block, "lvs_sync_daemon").length > 0) this.shared.sync = "daemon";
    for (const statement of named(block, "notification_email")) {
      this.ldirectord.emailalert = (statement.block ?? []).flatMap(({ words }) => words);
      this.lines.emailalert = statement.block?.[0]?.at ?? statement.at;
    }
    for (const [keyword, key] of Object.entries(keys))
      for (const { words, at } of named(block, keyword))
        [this.ldirectord[key], this.lines[key]] = [words[1], at];
  }

  private readInstance(instance: Statement): void {
    const { block, at } = instance;
    const addresses = named(block, "virtual_ipaddress").flatMap(({ block: lines = [] }) => lines);
    const known = addresses.filter(({ words }) => Prefix.read(words[0] ?? "")?.network.family === 4);
    if (this.instance !== undefined || known.length === 0) return this.leave(instance, VRRP);
    this.instance = at;
    for (const { words } of known) this.networks.push(String(Prefix.read(words[0] ?? "")));
    this.addresses.push(...addresses);
    this.leaveOthers(
      block,
      "nopreempt",
      "virtual_ipaddress",
      "lvs_sync_daemon_interface",
      ...Object.keys(PAIR),
    );
    for (const [keyword, key] of Object.entries(PAIR)) {
      const [said] = named(block, keyword);
      if (said !== undefined) [this.shared[key], this.sharedLines[key]] = [Number(said.words[1]), said.at];
    }
    // keepalived's own, and a whole second is what most files say.
    this.shared.advertInterval ??= 1;
    this.shared.failback = named(block, "nopreempt").length > 0 ? "manual" : "automatic";
    if (named(block, "lvs_sync_daemon_interface").length > 0) this.shared.sync = "daemon";
  }

  /** What the director has with its peer; of the addresses only those of services are any use. */
  pair(): Pick<Source, "pair"> {
    const vips = this.services.map(({ vip }) => vip);
    for (const each of this.addresses)
      if (!vips.includes(withoutLength(each.words[0] ?? ""))) this.leave(each, "is no service's address");
    const fields = { sync: "off", ...this.shared };
    return this.instance === undefined
      ? {}
      : { pair: { at: this.instance, fields, lines: this.sharedLines } };
  }

  private readService(statement: Statement): void {
    const { words, block, at } = statement;
    const targets = words[1] === "group" ? this.groupOf(words[2] ?? "") : [targetOf(words.slice(1))];
    const known = targets.flatMap((each) => (typeof each === "object" ? [each] : []));
    const reason = targets.find((each) => typeof each === "string");
    if (known.length === 0) return this.leave(statement, reason ?? "names a group that is not there");
    const servers = named(block, "real_server");
    const own = value(block, "quorum") === "1" ? ["quorum"] : [];
    this.leaveOthers(block, ...SERVICE_KEYS, ...COMMON_KEYS.slice(1), ...own);
    const checks = servers.map((server) => this.checkOf(server, block));
    const check = checks.find((each) => each !== undefined);
    const byMark = known.every((each) => "mark" in each);
    // For an address that names none the kernel takes UDP.
    const protocol = (value(block, "protocol") ?? (byMark ? "TCP" : "UDP")).toLowerCase();
    const persistence = named(block, "persistence_timeout").at(-1);
    // All ports of an address are for persistent clients.
    const implied =
      named(block, "persistence_granularity").length > 0 || (!byMark && known.some(({ port }) => port === 0));
    const quiescent =
      servers.length > 0 &&
      servers.every(
        (server) => named([...(block ?? []), ...(server.block ?? [])], "inhibit_on_failure").length > 0,
      );
    const flags = (block ?? []).flatMap(({ words: [flag = ""] }) => (FLAGS.test(flag) ? [flag] : []));
    const fields = given({
      protocol,
      scheduler: value(block, "lb_algo", "lvs_sched") ?? "wlc",
      schedulerFlags: flags.length > 0 ? flags : undefined,
      persistent: persistence
        ? Number(persistence.words[1] ?? DEFAULTS.persistence)
        : implied
          ? DEFAULTS.persistence
          : undefined,
      persistenceNetmask: value(block, "persistence_granularity"),
      ops: named(block, "ops").length > 0 || undefined,
      quiescent,
      healthCheck: check?.fields ?? { checktype: "on" },
      ldirectord: {},
    });
    const members = servers.map((server, index) => this.serverOf(server, block, checks[index], check));
    const method =
      FORWARDING[value(block, "sorry_server_lvs_method") ?? value(block, "lb_kind", "lvs_method") ?? "NAT"] ??
      "masq";
    const sorry = named(block, "sorry_server").at(-1);
    const lines = Object.fromEntries(linesOf(block, check));
    for (const target of known)
      this.services.push({
        at,
        ...target,
        fields: structuredClone(fields),
        servers: members.filter((each) => each !== undefined),
        ...(sorry && {
          sorry: {
            at: sorry.at,
            address: sorry.words[1] ?? "",
            port: Number(sorry.words[2] ?? 0),
            forward: method,
          },
        }),
        lines,
      });
  }

  private groupOf(name: string): (Target | string)[] {
    const group = this.groups.get(name);
    return (group?.block ?? []).flatMap((entry) => {
      const targets = rangeOf(entry.words);
      for (const each of targets) if (typeof each === "string") this.leave(entry, each);
      return targets;
    });
  }

  private serverOf(
    server: Statement,
    service: readonly Statement[] | undefined,
    own: Check | undefined,
    shared: Check | undefined,
  ): SourceServer | undefined {
    const { words, block, at } = server;
    const [, address = "", port = "0"] = words;
    this.leaveOthers(block, ...SERVER_KEYS, ...COMMON_KEYS.slice(1), ...Object.keys(CHECKER_KEYS));
    for (const each of named(block, ...SERVER_KEYS))
      if (each.words.length > 2)
        this.leave(each, `has more behind ${each.words[0]} than a value: keepalived reads no further`);
    if (!isAddress(address, 4)) {
      this.leave(
        server,
        address.includes(":") ? "IPv6 is not taken over yet" : "is not an address: keepalived skips it",
      );
      return undefined;
    }
    if (own === undefined && shared !== undefined)
      this.left.push({ ...at, reason: `has no checker; checked as in line ${shared.at.line}` });
    const same =
      own === undefined ||
      shared === undefined ||
      JSON.stringify(own.fields) === JSON.stringify({ ...shared.fields, ...own.asks });
    if (!same)
      this.left.push({
        ...(own as Check).at,
        reason: `is other than line ${shared?.at.line}: ldirectord checks all servers of a service alike`,
      });
    const asks = same && own && JSON.stringify(own.asks) !== JSON.stringify(shared?.asks) ? own.asks : {};
    const threshold = (key: string): number | undefined => Number(value(block, key) ?? 0) || undefined;
    const fields = given({
      weight: Number(value(block, "weight") ?? value(service, "weight") ?? 1),
      ...asks,
      lowerThreshold: threshold("lthreshold"),
      upperThreshold: threshold("uthreshold"),
    });
    const forward =
      FORWARDING[value(block, "lvs_method") ?? value(service, "lb_kind", "lvs_method") ?? "NAT"] ?? "masq";
    return { at, address, port: Number(port), forward, fields };
  }

  /** What ldirectord can check as the first of a real server's checkers does. */
  private checkOf(server: Statement, service: readonly Statement[] | undefined): Check | undefined {
    const [checker, ...others] = named(server.block, ...Object.keys(CHECKER_KEYS));
    if (checker === undefined) return undefined;
    const [kind = ""] = checker.words;
    for (const each of others)
      this.leave(each, `ldirectord makes one check of a service, here that of line ${checker.at.line}`);
    const levels = [checker.block, server.block, service];
    const setting = (...keywords: string[]): string | undefined =>
      levels.map((block) => value(block, ...keywords)).find((each) => each !== undefined);
    const seconds = (keyword: "delay_loop" | "connect_timeout"): number =>
      Math.max(1, Math.ceil(Number(setting(keyword) ?? DEFAULTS[keyword])));
    this.leaveOthers(checker.block, ...COMMON_KEYS, ...(CHECKER_KEYS[kind] ?? []));
    const kindOf = this.kindOf(kind, checker, setting("virtualhost"));
    const connectPort = value(checker.block, "connect_port");
    const timeout = seconds("connect_timeout");
    const fields = given({
      ...kindOf,
      checkport: connectPort === undefined ? undefined : Number(connectPort),
      checktimeout: timeout,
      negotiatetimeout: timeout,
      checkinterval: seconds("delay_loop"),
      failurecount: Number(setting("nb_get_retry", "retry") ?? DEFAULTS.retry[kind] ?? 1) + 1,
    });
    const { request, receive } = kindOf;
    return { at: checker.at, fields, asks: kind.endsWith("_GET") ? given({ request, receive }) : {} };
  }

  private kindOf(kind: string, checker: Statement, virtualhost: string | undefined): Fields {
    const [name, type] = [value(checker.block, "name"), value(checker.block, "type")];
    if (kind === "HTTP_GET" || kind === "SSL_GET") return this.httpOf(kind, checker, virtualhost);
    if (kind === "SMTP_CHECK") return { checktype: "negotiate", service: "smtp" };
    if (kind === "TCP_CHECK") return { checktype: "connect" };
    if (kind === "DNS_CHECK" && name !== undefined && type === "A")
      return { checktype: "negotiate", service: "dns", request: name, receive: "." };
    const instead: Readonly<Record<string, string>> = {
      UDP_CHECK: "ldirectord sends UDP no datagrams: ping instead",
      DNS_CHECK: "ldirectord asks for addresses (type A) of a name: ping instead",
      MISC_CHECK: `${PROGRAM}: ping instead`,
      FILE_CHECK: "ldirectord reads no file: ping instead",
      BFD_CHECK: "ldirectord knows no BFD: ping instead",
    };
    const reason = instead[kind];
    if (reason !== undefined) this.left.push({ ...checker.at, reason });
    return { checktype: "ping" };
  }

  private httpOf(kind: string, { at, block }: Statement, host: string | undefined): Fields {
    const [url, ...others] = named(block, "url");
    for (const each of others)
      this.leave(each, `ldirectord asks for one page, here that of line ${url?.at.line}`);
    this.leaveOthers(url?.block, "path", "virtualhost", "regex", "status_code", "digest");
    for (const each of named(url?.block, "status_code"))
      this.leave(each, "ldirectord takes any status from 200 to 299");
    for (const each of named(url?.block, "digest"))
      this.leave(each, "ldirectord compares no digest: any page is good");
    const regex = named(url?.block, "regex").at(-1);
    const reversed = named(url?.block, "regex_no_match").length > 0;
    if (regex && reversed)
      this.left.push({ ...regex.at, reason: "ldirectord has no expression that must not match" });
    if (url === undefined)
      this.left.push({ ...at, reason: "asks for no page: keepalived ignores it; / is asked for" });
    return given({
      checktype: "negotiate",
      service: kind === "SSL_GET" ? "https" : "http",
      request: value(url?.block, "path") ?? "/",
      receive: regex === undefined || reversed ? ANYTHING : (quotedWords(regex)[1] ?? ANYTHING),
      virtualhost: value(url?.block, "virtualhost") ?? host,
      // keepalived looks at no certificate.
      verify: kind === "SSL_GET" ? false : undefined,
    });
  }
}

function targetOf([address = "", port]: readonly string[]): Target | string {
  if (address === "fwmark") return { mark: Number(port), port: 0 };
  if (address.includes(":")) return "IPv6 is not taken over yet";
  if (!isAddress(address, 4)) return "is not an address: keepalived skips it";
  return { vip: address, port: Number(port ?? 0) };
}

/** An entry of a group: an address, several as 10.0.0.3-10, 10.0.0.3-10.0.0.10 or 10.0.0.0/28, or a mark. */
function rangeOf([text = "", port]: readonly string[]): (Target | string)[] {
  const [, first = "", last] = /^([^-/]+)(?:-(.+))?/.exec(text) ?? [];
  const start = Address.read(first);
  if (start === undefined || start.family === 6 || text === first)
    return [targetOf([text, port].filter((each) => each !== undefined))];
  const network = text.includes("/") ? Prefix.read(text) : undefined;
  const end = Address.read(
    last === undefined || last.includes(".") ? (last ?? "") : `${first.replace(/\d+$/, "")}${last}`,
  );
  const count = network?.size ?? Number((end?.value ?? start.value - 1n) - start.value) + 1;
  if (count < 1 || count > MOST) return [`is not a range of up to ${MOST} addresses`];
  return Array.from({ length: count }, (_unused, index) =>
    targetOf([String(start.plus(index)), ...(port === undefined ? [] : [port])]),
  );
}

/** Which line says what. */
function linesOf(block: readonly Statement[] = [], check: Check | undefined): [string, Line][] {
  const fields: Readonly<Record<string, string>> = {
    lb_algo: "scheduler",
    lvs_sched: "scheduler",
    persistence_timeout: "persistent",
    persistence_granularity: "persistenceNetmask",
    protocol: "protocol",
    ops: "ops",
    sorry_server: "sorryServer",
    delay_loop: "healthCheck.checkinterval",
    connect_timeout: "healthCheck.checktimeout",
    retry: "healthCheck.failurecount",
    virtualhost: "healthCheck.virtualhost",
  };
  const own = block.flatMap(({ at, words: [keyword = ""] }): [string, Line][] => {
    const field = FLAGS.test(keyword) ? "schedulerFlags" : fields[keyword];
    return field === undefined ? [] : [[field, at]];
  });
  return [...own, ...(check === undefined ? [] : [["healthCheck", check.at] as [string, Line]])];
}
