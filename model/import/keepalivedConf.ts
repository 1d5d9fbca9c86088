/** keepalived.conf: its virtual servers, in the lab's words, with keepalived 2.2.7's own defaults. */
import { given } from "../config/serviceDefaults";
import { familyOf, isAddress, type Family } from "../lab/address";
import { isPort, NO_PORT, rangeOf, SKIPPED, targetOf, type Target } from "./keepalivedTargets";
import type { Forwarding } from "../director/ldirectord/conf";
import { Behind, canonical, FLAGS, linesIn, named, value, type Block } from "./keepalivedBlocks";
import {
  askingIn,
  checkOf,
  CHECKER_KEYS,
  differing,
  linesOf,
  SHARED_KEYS,
  tellPauses,
  type Check,
} from "./keepalivedCheckers";
import { parseKeepalived, type Include, type Statement } from "./keepalivedLexer";
import { networksOf, pairOf } from "./keepalivedPair";
import {
  lineKey,
  type Fields,
  type Left,
  type Line,
  type Source,
  type SourceServer,
  type SourceService,
} from "./source";

const GROUP = "virtual_server_group";
/** By which of the two a file is read. */
type Checker = "keepalived" | "ldirectord";
const NO_MAIL = "the lab's keepalived sends no mail";
const MAIL = { notification_email_from: "emailalertfrom", smtp_server: "smtp" } as const;
const FORWARDING: Readonly<Record<string, Forwarding>> = { DR: "gate", NAT: "masq", TUN: "ipip" };
const ofBoth = ["lvs_method", "weight", "inhibit_on_failure", "virtualhost", "smtp_alert"];
const SERVER_KEYS = [...ofBoth, "uthreshold", "lthreshold"];
const SERVICE_KEYS = [
  ...[...ofBoth, "lb_algo", "lvs_sched", "lb_kind", "persistence_timeout", "persistence_granularity"],
  ...["protocol", "ip_family", "sorry_server", "sorry_server_lvs_method", "ops", "real_server"],
];
/** Of which the last one counts, with its synonyms. */
const ONCE = [
  ...["weight", "virtualhost", "uthreshold", "lthreshold", "lb_kind", "lvs_method", "protocol", "ip_family"],
  ...["persistence_timeout", "persistence_granularity", "sorry_server", ...SHARED_KEYS],
]
  .map((each) => [each])
  .concat([["lb_algo", "lvs_sched"]]);
/** What a server is asked for, which may be its own. */
const ASKED = /^(path|regex)$/;
/** keepalived's own persistence, in seconds. */
const PERSISTENCE = 360;
export function readKeepalivedConf(text: string, include: Include, mode: Checker = "keepalived"): Source {
  const { statements, all, left: refused } = parseKeepalived(text, include);
  const reader = new Reader([...refused], mode);
  // Which may stand behind who names them.
  reader.readGroups(named(statements, GROUP));
  for (const statement of statements) reader.read(statement);
  reader.leaveUnused();
  const { left, services, ldirectord, lines, instances, shared } = reader;
  const networks = networksOf(instances);
  const pair = pairOf(instances, reader.syncGroups, { services, shared, behind: reader });
  const otherwise = (): Source => readKeepalivedConf(text, include, "ldirectord");
  const source = { mode, all, services, ldirectord, lines, names: {}, networks, left, ...pair };
  return mode === "keepalived" ? { ...source, otherwise } : source;
}

class Reader extends Behind {
  readonly services: SourceService[] = [];
  readonly ldirectord: Fields = {};
  readonly lines: Record<string, Line> = {};
  readonly instances: Statement[] = [];
  readonly syncGroups: Statement[] = [];
  /** What `global_defs` says of what two directors share. */
  readonly shared: Fields = {};
  private readonly groups = new Map<string, Statement>();
  private readonly unused = new Set<Statement>();

  constructor(
    left: Left[],
    private readonly mode: Checker,
  ) {
    super(left);
  }

  read(statement: Statement): void {
    const [keyword = ""] = statement.words;
    if (keyword === "global_defs") this.readGlobal(statement);
    else if (keyword === GROUP) return;
    else if (keyword === "virtual_server") this.readService(statement);
    else if (keyword === "vrrp_instance") this.instances.push(statement);
    else if (keyword === "vrrp_sync_group") this.syncGroups.push(statement);
    else this.leaveUnknown(statement);
  }

  readGroups(groups: readonly Statement[]): void {
    for (const each of groups) {
      this.groups.set(each.words[1] ?? "", each);
      this.unused.add(each);
    }
  }

  leaveUnused(): void {
    for (const each of this.unused) this.leave(each, "no virtual server names this group");
  }

  private readGlobal({ block }: Statement): void {
    this.leaveOthers(block, "notification_email", "lvs_sync_daemon", ...Object.keys(MAIL));
    if (named(block, "lvs_sync_daemon").length > 0) this.shared.sync = "daemon";
    if (this.mode === "keepalived") {
      for (const each of named(block, "notification_email", ...Object.keys(MAIL))) this.leave(each, NO_MAIL);
      return;
    }
    for (const statement of named(block, "notification_email")) {
      this.ldirectord.emailalert = (statement.block ?? []).flatMap(({ words }) => words);
      this.lines.emailalert = statement.block?.[0]?.at ?? statement.at;
    }
    for (const [keyword, key] of Object.entries(MAIL))
      for (const { words, at } of named(block, keyword))
        [this.ldirectord[key], this.lines[key]] = [words[1], at];
  }

  private readService(statement: Statement): void {
    const { words, block, at } = statement;
    const servers = named(block, "real_server");
    const sixes = servers.some(({ words: [, address = ""] }) => address.includes(":"));
    const ofMarks = value(block, "ip_family") === "inet6" || sixes ? 6 : 4;
    const targets =
      words[1] === "group" ? this.groupOf(words[2] ?? "", ofMarks) : [targetOf(words.slice(1), ofMarks)];
    const known = targets.flatMap((each) => (typeof each === "object" ? [each] : []));
    const reason = targets.find((each) => typeof each === "string");
    if (known.length === 0) return this.leave(statement, reason ?? "names a group that is not there");
    const own = value(block, "quorum") === "1" ? ["quorum"] : [];
    // There a server has no weight before its first check has passed.
    const alpha = this.mode === "keepalived" ? ["alpha"] : [];
    this.leaveOthers(block, ...SERVICE_KEYS, ...SHARED_KEYS, ...own, ...alpha);
    this.leaveExtra(
      block,
      ...SERVICE_KEYS.filter((each) => !/^(real|sorry)_server$/.test(each)),
      ...SHARED_KEYS,
    );
    this.leaveRepeated(block, ...ONCE);
    this.tellMail(block);
    for (const server of servers) this.tellMail(server.block);
    const byMark = known.every((each) => "mark" in each);
    // For an address that names none the kernel takes UDP.
    const protocol = (value(block, "protocol") ?? (byMark ? "TCP" : "UDP")).toLowerCase();
    const checks = servers.map((server) => checkOf(server, block, protocol, this));
    const check = checks.find((each) => each !== undefined);
    tellPauses(checks, check, this);
    const persistence = named(block, "persistence_timeout").at(-1);
    // All ports of an address are for persistent clients.
    const implied =
      named(block, "persistence_granularity").length > 0 || (!byMark && known.some(({ port }) => port === 0));
    const quiescent =
      servers.length > 0 &&
      servers.every(
        (server) => named([...(block ?? []), ...(server.block ?? [])], "inhibit_on_failure").length > 0,
      );
    if (!quiescent)
      for (const each of servers.flatMap((server) => named(server.block, "inhibit_on_failure")))
        this.leave(each, "is not of all real servers of the service, as a lab's quiescent is");
    const flags = (block ?? []).flatMap(({ words: [flag = ""] }) => (FLAGS.test(flag) ? [flag] : []));
    const fields = given({
      protocol,
      scheduler: value(block, "lb_algo", "lvs_sched") ?? "wlc",
      schedulerFlags: flags.length > 0 ? flags : undefined,
      persistent: persistence
        ? Number(persistence.words[1] ?? PERSISTENCE)
        : implied
          ? PERSISTENCE
          : undefined,
      ops: named(block, "ops").length > 0 || undefined,
      quiescent,
      healthCheck: check?.fields ?? { checktype: "on" },
      ldirectord: {},
    });
    const members = servers.map((server, index) => this.serverOf(server, block, checks[index], check));
    const method = this.methodOf(
      named(block, "sorry_server_lvs_method").at(-1) ?? named(block, "lb_kind", "lvs_method").at(-1),
    );
    const sorry = named(block, "sorry_server").at(-1);
    const lines = Object.fromEntries(linesOf(block, check));
    const granularity = value(block, "persistence_granularity");
    const family = known.map((each) => each.family);
    servers.forEach((server, index) => {
      const { address } = members[index] ?? {};
      if (address !== undefined && !family.includes(familyOf(address)))
        this.leave(server, "is of another family than the VIP, and Direct Routing changes no addresses");
    });
    const inner = linesIn(statement);
    const asking = servers.flatMap(askingIn);
    if (!servers.some((server) => named(server.block, "HTTP_GET", "SSL_GET").length > 0))
      for (const each of [statement, ...servers].flatMap((one) => named(one.block, "virtualhost")))
        this.leave(each, "is read by HTTP_GET and SSL_GET only");
    for (const target of known)
      this.services.push({
        at,
        ...target,
        fields: given({
          ...structuredClone(fields),
          ...(target.family === 4
            ? { persistenceNetmask: granularity }
            : { persistencePrefix6: granularity === undefined ? undefined : Number(granularity) }),
        }),
        servers: members.filter(
          (each) => each !== undefined && familyOf(each.address) === target.family,
        ) as SourceServer[],
        ...(sorry && {
          sorry: {
            at: sorry.at,
            address: canonical(sorry.words[1] ?? ""),
            port: Number(sorry.words[2] ?? 0),
            ...method,
          },
        }),
        lines,
        inner,
        asking,
      });
  }

  /** Alerts have no line in what is taken over: they go to whom `global_defs` names. */
  private tellMail(block: Block): void {
    if (this.mode === "keepalived") for (const each of named(block, "smtp_alert")) this.leave(each, NO_MAIL);
  }

  private groupOf(name: string, ofMarks: Family): (Target | string)[] {
    const group = this.groups.get(name);
    if (group !== undefined) this.unused.delete(group);
    return (group?.block ?? []).flatMap((entry) => {
      const targets = rangeOf(entry.words, ofMarks);
      for (const each of targets) if (typeof each === "string") this.leave(entry, each);
      return targets.map((each) => (typeof each === "string" ? each : { ...each, at: entry.at }));
    });
  }

  /** How packets are forwarded, and how keepalived calls it: by default, and for a word that it does not know, NAT. */
  private methodOf(said: Statement | undefined): Pick<SourceServer, "forward" | "method"> {
    const [, method = ""] = said?.words ?? [];
    const forward = FORWARDING[method];
    if (forward !== undefined) return { forward, method };
    if (said !== undefined) this.leave(said, "is none of NAT, DR and TUN: keepalived takes NAT");
    return { forward: "masq", method: "NAT" };
  }

  private serverOf(
    server: Statement,
    service: Block,
    own: Check | undefined,
    shared: Check | undefined,
  ): SourceServer | undefined {
    const { words, block, at } = server;
    const [, text = "", port = "0"] = words;
    const address = canonical(text);
    this.leaveOthers(block, ...SERVER_KEYS, ...SHARED_KEYS, ...Object.keys(CHECKER_KEYS));
    this.leaveExtra(block, ...SERVER_KEYS, ...SHARED_KEYS);
    this.leaveRepeated(block, ...ONCE);
    if (!isAddress(address) || !isPort(port)) {
      this.leave(server, isAddress(address) ? NO_PORT : SKIPPED);
      return undefined;
    }
    if (own === undefined && shared !== undefined)
      this.left.push({ ...at, reason: `has no checker; checked as in line ${shared.at.line}` });
    const same =
      own === undefined ||
      shared === undefined ||
      JSON.stringify(own.fields) === JSON.stringify({ ...shared.fields, ...own.asks });
    const isAlike =
      own?.fields.checktype === shared?.fields.checktype && own?.fields.service === shared?.fields.service;
    if (!same && own !== undefined && shared !== undefined) {
      const differs = `differs from line ${shared.at.line}: a lab checks all servers of a service alike`;
      this.left.push({ ...own.at, reason: differs });
      const told = new Set(this.left.map(lineKey));
      // Of the server, whose block is the last but one.
      const [times, others] = [own, shared].map(({ levels }) => named(levels.at(-2), ...SHARED_KEYS));
      for (const each of [...differing(own.said.block, shared.said.block), ...differing(times, others)]
        .filter(({ words: [keyword = ""] }) => !isAlike || !ASKED.test(keyword))
        .flatMap(linesIn))
        if (!told.has(lineKey(each)))
          this.left.push({ ...each, reason: `is of the check in line ${own.at.line}` });
    }
    const asks = isAlike && own && JSON.stringify(own.asks) !== JSON.stringify(shared?.asks) ? own.asks : {};
    const threshold = (key: string): number | undefined => Number(value(block, key) ?? 0) || undefined;
    const fields = given({
      weight: Number(value(block, "weight") ?? value(service, "weight") ?? 1),
      ...asks,
      lowerThreshold: threshold("lthreshold"),
      upperThreshold: threshold("uthreshold"),
    });
    const method = this.methodOf(
      named(block, "lvs_method").at(-1) ?? named(service, "lb_kind", "lvs_method").at(-1),
    );
    return { at, address, port: Number(port), ...method, fields, inner: linesIn(server).slice(1) };
  }
}
