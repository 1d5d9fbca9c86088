/** From a file's cluster to a stack's configuration. Whatever the lab's own schema and rules refuse is left out, and told with their reason. */
import { ConfigError, parseConfig } from "../config/config";
import type { Identity } from "../config/defaults";
import { checkService, negotiates, serviceOfPort, type CheckService } from "../director/checkServices";
import { given, MAIN } from "../config/serviceDefaults";
import type { Refusal } from "../config/refusal";
import { RESERVED_NAMES } from "../config/invariantsPlatform";
import { configSchema } from "../config/schema";
import { nodeName } from "../config/schemaParts";
import type { PortRange } from "../lab/ports";
import { portsText } from "../lab/ports";
import { serviceTitle } from "../lab/target";
import { Prefix, withLength } from "../lab/address";
import type { Lab } from "../lab/types";
import { checkPage } from "../guest/checkPages";
import { nodeAddresses, placeAddresses, type Placed } from "./networks";
import type { Fields, Left, Line, Source, SourceServer, SourceService } from "./source";

/** What bears a firewall mark, which is not in the file. */
export type Marks = ReadonlyMap<
  number,
  { readonly vip: string; readonly ports: readonly PortRange[] | "all" }
>;

export interface Mapped {
  readonly what: string;
  readonly from: string;
  readonly to: string;
}

export interface Imported {
  readonly config: Fields;
  readonly lab: Lab;
  readonly taken: readonly Line[];
  readonly left: readonly Left[];
  readonly mapped: readonly Mapped[];
  /** What the lab needs beside, to serve what is checked. */
  readonly needs: readonly string[];
}

/** A service on its way. */
interface Draft {
  readonly source: SourceService;
  name: string;
  readonly vip: string;
  readonly members: readonly { readonly source: SourceServer; readonly fields: Fields }[];
  readonly fields: Fields;
}

const TIMES = ["checktimeout", "negotiatetimeout", "checkinterval", "failurecount"] as const;
/** Without which a service is another one. */
const ESSENTIAL = /^(name|vip|port|ports|mark|protocol|workload)$/;
/** What the rest of a check does not need. */
const OPTIONAL = /^(checktimeout|negotiatetimeout|checkinterval|failurecount|virtualhost|checkport)$/;
/** As many refusals are taken one after the other. */
const ROUNDS = 1000;

export class NothingToImport extends Error {}

/** @throws NothingToImport when no service can be taken over; ConfigError for what cannot be left out */
export function importStack(source: Source, identity: Identity, marks: Marks): Imported {
  const work = new Import(source, identity, marks);
  for (let round = 0; round < ROUNDS; round++) {
    if (work.drafts.length === 0)
      throw new NothingToImport(["no service can be taken over:", ...work.left.map(leftText)].join("\n  "));
    const config = work.config();
    try {
      return work.result(config, parseConfig(config, identity));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // One at a time: the others may follow from it.
      const [refusal] = error.problems;
      if (refusal === undefined || !work.leaveOut(refusal, config)) throw error;
    }
  }
  throw new Error("the configuration stays refused");
}

export const leftText = ({ file, line, text, reason }: Left): string =>
  `${file === undefined ? "" : `${file} `}line ${line}: ${text}: ${reason}`;

class Import {
  readonly left: Left[];
  drafts: Draft[];
  private readonly placed: Placed;
  private readonly ldirectord: Fields;
  private pair: Fields | undefined;
  /** By their addresses in the file, in its order. */
  private readonly servers = new Map<string, { readonly name: string; readonly fields: Fields }>();

  constructor(
    private readonly source: Source,
    identity: Identity,
    private readonly marks: Marks,
  ) {
    this.left = [...source.left];
    this.ldirectord = { ...source.ldirectord };
    this.pair = source.pair && { ...source.pair.fields };
    this.drafts = source.services.flatMap((service) => this.draftOf(service));
    const sorry = this.drafts.flatMap(({ source: { sorry } }) =>
      sorry && !isOwn(sorry) ? [sorry.address] : [],
    );
    const members = this.drafts.flatMap(({ members }) => members.map(({ source: { address } }) => address));
    this.placed = placeAddresses(
      [...new Set([...members, ...sorry])],
      [...new Set(this.drafts.map(({ vip }) => vip))],
      source.networks,
      identity.stack,
    );
    this.nameServers(sorry);
    this.nameServices();
  }

  private leave(at: Line, reason: string): void {
    const same = this.left.some(
      ({ line, file, reason: other }) => line === at.line && file === at.file && other === reason,
    );
    if (!same) this.left.push({ ...at, reason });
  }

  private leaveService({ at, servers, sorry, lines }: SourceService, reason: string): void {
    this.leave(at, reason);
    const others = [...servers.map((each) => each.at), ...(sorry ? [sorry.at] : []), ...Object.values(lines)];
    for (const each of others)
      if (each.line !== at.line || each.file !== at.file)
        this.leave(each, `is of the service in line ${at.line}`);
  }

  private draftOf(source: SourceService): Draft[] {
    const marked = source.mark === undefined ? undefined : this.marks.get(source.mark);
    const vip = source.vip ?? marked?.vip;
    if (vip === undefined) {
      this.leaveService(
        source,
        `the file does not say what bears mark ${source.mark}: name it by --mark ${source.mark}=VIP:PORTS`,
      );
      return [];
    }
    if (source.servers.length === 0) {
      this.leaveService(source, "has no real servers");
      return [];
    }
    const members = source.servers.filter((server, index) => {
      this.tellForwarding(source, server);
      const twice = source.servers.slice(0, index).some(({ address }) => address === server.address);
      if (twice) this.leave(server.at, "is a real server of this service already");
      return !twice;
    });
    if (source.sorry && !isOwn(source.sorry)) this.tellForwarding(source, source.sorry);
    const ports =
      marked === undefined
        ? source.port === 0
          ? { ports: "all" }
          : { port: source.port }
        : {
            ports:
              marked.ports === "all"
                ? marked.ports
                : marked.ports.map((each) => (each.first === each.last ? each.first : portsText(each))),
            mark: source.mark,
          };
    const fields = { ...structuredClone(source.fields), ...ports };
    return [
      {
        source,
        name: "",
        vip,
        fields,
        members: members.map((each) => ({ source: each, fields: { ...each.fields } })),
      },
    ];
  }

  private tellForwarding({ port, mark }: SourceService, server: Omit<SourceServer, "fields">): void {
    if (server.forward !== "gate")
      this.leave(server.at, `${server.forward} becomes gate: a lab is Direct Routing`);
    if (server.port !== 0 && port !== 0 && mark === undefined && server.port !== port)
      this.leave(
        server.at,
        `port ${server.port} becomes ${port}, the service's: Direct Routing maps no ports`,
      );
  }

  private nameServers(sorry: readonly string[]): void {
    const taken = new Set(RESERVED_NAMES);
    const add = (address: string, prefix: string, fields: Fields): void => {
      if (this.servers.has(address)) return;
      const [label = ""] = (this.source.names[address] ?? "").toLowerCase().split(".");
      let name = nodeName().safeParse(label).success && !taken.has(label) ? label : "";
      for (let number = 1; name === ""; number++)
        if (!taken.has(`${prefix}${number}`)) name = `${prefix}${number}`;
      taken.add(name);
      this.servers.set(address, { name, fields });
    };
    for (const { members } of this.drafts)
      for (const { source, fields } of members) add(source.address, "rs", given({ weight: fields.weight }));
    // Whatever stands in must have the VIP: a real server that no service names.
    for (const address of sorry) add(address, "fallback", {});
  }

  private nameServices(): void {
    const isPlain = ({ fields: { protocol, mark, healthCheck } }: Draft): boolean =>
      protocol === "tcp" && mark === undefined && (healthCheck as Fields).service !== "https";
    const main = this.drafts.find(isPlain) ?? this.drafts[0];
    const taken = new Set([MAIN]);
    for (const draft of this.drafts) {
      const { protocol, healthCheck } = draft.fields;
      const { port } = draft.source;
      const known = (healthCheck as { service?: CheckService }).service ?? serviceOfPort(port);
      const base =
        known === "none" || known === "simpletcp" ? `${String(protocol)}-${port}` : known.replace("_", "-");
      draft.name = draft === main ? MAIN : base;
      for (let number = 2; draft !== main && taken.has(draft.name); number++)
        draft.name = `${base}-${number}`;
      taken.add(draft.name);
    }
    this.drafts.sort((a, b) => Number(b.name === MAIN) - Number(a.name === MAIN));
  }

  private addressOf(address: string): string {
    return this.placed.moved.get(address) ?? address;
  }

  config(): Fields {
    const { serverCidr, clientCidr, vipNetworks } = this.placed;
    const networkOf = ({ vip }: Draft): Prefix => vipNetworks.get(vip) ?? Prefix.parse(serverCidr);
    const [first] = this.drafts;
    const vipNetwork = first === undefined ? Prefix.parse(serverCidr) : networkOf(first);
    const vipCidr = String(vipNetwork);
    const elsewhere = this.drafts.filter((draft) => String(networkOf(draft)) !== vipCidr);
    const used = new Set(
      this.drafts.flatMap(({ members, source: { sorry } }) => [
        ...members.map(({ source }) => source.address),
        ...(sorry ? [sorry.address] : []),
      ]),
    );
    const servers = [...this.servers].filter(([address]) => used.has(address));
    const taken = [...servers.map(([address]) => address), ...this.drafts.map(({ vip }) => vip)].map((each) =>
      this.addressOf(each),
    );
    const usual = { host: 1, router: 200, director: 30, ...(this.pair && { second: 29 }) };
    const { host, router, director, second } = nodeAddresses(serverCidr, taken, usual);
    const directors = [director, second].map((address) => given({ address }));
    const { vip: routerVip } = serverCidr === vipCidr ? {} : nodeAddresses(vipCidr, taken, { vip: 200 });
    const services = this.drafts.map((draft) =>
      this.serviceOf(
        draft,
        servers.map(([address]) => address),
      ),
    );
    const [main = {}, ...others] = services;
    // Of the main service most keys are the stack's own.
    const isOwnKey = (key: string): boolean =>
      key in configSchema.shape && !(key === "realServers" || key === "ldirectord");
    const changes = Object.fromEntries(Object.entries(main).filter(([key]) => !isOwnKey(key)));
    const top = Object.fromEntries(Object.entries(main).filter(([key]) => isOwnKey(key)));
    const extra = Object.keys(changes).length > 1 ? [changes] : [];
    return given({
      clientNetwork: { cidr: clientCidr },
      serverNetwork: given({ cidr: serverCidr, hostAddress: host }),
      vipCidr,
      vips:
        elsewhere.length > 0
          ? [
              ...new Set(
                elsewhere.map((draft) => withLength(this.addressOf(draft.vip), networkOf(draft).length)),
              ),
            ]
          : undefined,
      router: router || routerVip ? given({ serverAddress: router, vipAddress: routerVip }) : undefined,
      ...(this.pair
        ? { directors, highAvailability: this.pair }
        : { director: director ? directors[0] : undefined }),
      ...top,
      realServers: servers.map(([address, { name, fields }]) => ({
        name,
        address: this.addressOf(address),
        ...fields,
      })),
      services: first === undefined || extra.length + others.length === 0 ? undefined : [...extra, ...others],
      ldirectord: this.ldirectord,
    });
  }

  /** @param all addresses of the lab's real servers */
  private serviceOf({ name, vip, fields, members, source }: Draft, all: readonly string[]): Fields {
    const [main] = this.drafts;
    const { healthCheck, ldirectord, protocol, ...others } = fields as Record<string, Fields>;
    const isMain = name === MAIN;
    const inherited = (key: string): boolean =>
      !isMain && main !== undefined && fields[key] === main.fields[key];
    const times = TIMES.filter(
      (time) => !isMain && healthCheck?.[time] === (main?.fields.healthCheck as Fields)[time],
    );
    const listed = members.map(({ source: { address }, fields: { weight, ...own } }) => {
      const server = this.servers.get(address);
      return given({
        name: server?.name,
        weight: weight === server?.fields.weight ? undefined : weight,
        ...own,
      });
    });
    const isAll =
      listed.every((each) => Object.keys(each).length === 1) &&
      all.length === members.length &&
      members.every((each, index) => each.source.address === all[index]);
    const { sorry } = source;
    const moved = sorry && (isOwn(sorry) ? "127.0.0.1" : this.addressOf(sorry.address));
    return given({
      name,
      vip: !isMain && this.drafts[0]?.vip === vip ? undefined : this.addressOf(vip),
      protocol: (protocol as unknown) === "tcp" ? undefined : protocol,
      ...Object.fromEntries(
        Object.entries(others).filter(([key]) => !/^(scheduler|quiescent)$/.test(key) || !inherited(key)),
      ),
      healthCheck: Object.fromEntries(
        Object.entries(healthCheck ?? {}).filter(([key]) => !times.includes(key as never)),
      ),
      sorryServer: fields.sorryServer ?? (moved === undefined ? false : { address: moved }),
      realServers: isAll ? undefined : listed,
      ldirectord: ldirectord && Object.keys(ldirectord).length > 0 ? ldirectord : undefined,
    });
  }

  /** @returns whether something was left out for it */
  leaveOut({ key, message }: Refusal, config: Fields): boolean {
    const path = key.split(/[.[\]]+/).filter((each) => each !== "");
    const [top = "", index, ...rest] = path;
    const inList = top === "services";
    const name = inList ? ((config.services as Fields[])[Number(index)]?.name as string) : MAIN;
    const draft = this.drafts.find((each) => each.name === name);
    if (/^(directors|highAvailability)$/.test(top)) return this.leavePair(index ?? "", message);
    if (top === "ldirectord")
      return this.leaveOption(this.ldirectord, this.source.lines, index ?? "", message);
    if (
      draft === undefined ||
      (!inList && /^(clientNetwork|serverNetwork|vipCidr|router|director|client)$/.test(top))
    )
      return false;
    const [field = "", inner = "", leaf] = inList ? rest : path;
    const { lines, at } = draft.source;
    const where = lines[`${field}.${inner}`] ?? lines[field] ?? at;
    if (field === "ldirectord") {
      const own = Object.fromEntries(
        Object.entries(lines).map(([each, line]) => [each.replace("ldirectord.", ""), line]),
      );
      return this.leaveOption(draft.fields.ldirectord as Fields, own, inner, message);
    }
    if (field === "healthCheck") return this.leaveCheck(draft, inner, where, message);
    if (field === "realServers" && !inList && inner !== "")
      return this.leaveServer(
        (config.realServers as Fields[])[Number(inner)]?.name as string,
        leaf ?? "",
        message,
      );
    if (field === "realServers" && leaf !== undefined)
      return this.leaveMember(draft, Number(inner), leaf, message);
    if (field === "sorryServer" && draft.fields.sorryServer !== false) draft.fields.sorryServer = false;
    else if (ESSENTIAL.test(field) || !(field in draft.fields))
      return this.drop(draft, where, `${field} ${message}`);
    else delete draft.fields[field];
    this.leave(where, `${field} ${message}`);
    return true;
  }

  private drop(draft: Draft, at: Line, reason: string): boolean {
    this.leaveService(draft.source, at === draft.source.at ? reason : `is left out: see line ${at.line}`);
    this.leave(at, reason);
    this.drafts = this.drafts.filter((each) => each !== draft);
    this.nameServices();
    return true;
  }

  /** A field of what the directors share, or their being two. */
  private leavePair(field: string, message: string): boolean {
    const { at, lines = {} } = this.source.pair ?? {};
    if (this.pair === undefined || at === undefined) return false;
    if (this.pair[field] === undefined) this.pair = undefined;
    else delete this.pair[field];
    this.leave(lines[field] ?? at, `${field} ${message}`);
    return true;
  }

  private leaveOption(
    options: Fields,
    lines: Readonly<Record<string, Line>>,
    field: string,
    message: string,
  ): boolean {
    // Alerts that nobody would send.
    const given = options[field] === undefined && field === "smtp" ? "emailalert" : field;
    if (options[given] === undefined) return false;
    delete options[given];
    const at = lines[given];
    if (at !== undefined) this.leave(at, `${field} ${message}`);
    return true;
  }

  private leaveCheck(draft: Draft, field: string, at: Line, message: string): boolean {
    const check = draft.fields.healthCheck as Fields;
    if (OPTIONAL.test(field) && check[field] !== undefined) {
      delete check[field];
      this.leave(at, `${field} ${message}`);
      return true;
    }
    const simple = draft.fields.protocol === "udp" ? "ping" : "connect";
    if (check.checktype === simple) return this.drop(draft, at, `${field} ${message}`);
    const kept = Object.entries(check).filter(
      ([key]) => (TIMES as readonly string[]).includes(key) || key === "checkport",
    );
    draft.fields.healthCheck = { checktype: simple, ...Object.fromEntries(kept) };
    this.leave(at, `${field} ${message}; checked by ${simple} instead`);
    return true;
  }

  /** What a real server has in all services. */
  private leaveServer(name: string, field: string, message: string): boolean {
    const [address, server] = [...this.servers].find(([, each]) => each.name === name) ?? [];
    if (server === undefined || server.fields[field] === undefined) return false;
    const value = server.fields[field];
    delete server.fields[field];
    for (const { source, fields } of this.drafts.flatMap(({ members }) => members)) {
      if (source.address !== address || fields[field] !== value) continue;
      delete fields[field];
      this.leave(source.at, `${field} ${message}`);
    }
    return true;
  }

  private leaveMember(draft: Draft, index: number, leaf: string, message: string): boolean {
    const member = draft.members[index];
    if (member === undefined) return false;
    const pair = /^(request|receive)$/.test(leaf) ? ["request", "receive"] : [leaf];
    const there = pair.filter((each) => each in member.fields);
    if (there.length === 0) return this.drop(draft, member.source.at, `${leaf} ${message}`);
    for (const each of there) delete member.fields[each];
    this.leave(member.source.at, `${leaf} ${message}`);
    return true;
  }

  result(config: Fields, lab: Lab): Imported {
    const { moved } = this.placed;
    const names = this.source.names;
    const used = new Set([
      ...lab.realServers.map(({ address }) => address),
      ...lab.services.map(({ vip }) => vip),
    ]);
    const mapped = [...moved]
      .filter(([, to]) => used.has(to))
      .map(([from, to]) => ({ what: this.servers.get(from)?.name ?? "VIP", from: names[from] ?? from, to }));
    const isLeft = ({ line, file }: Line): boolean =>
      this.left.some((each) => each.line === line && each.file === file);
    const ordered = [...this.left].sort(
      (a, b) => (a.file ?? "").localeCompare(b.file ?? "") || a.line - b.line,
    );
    return {
      config,
      lab,
      mapped,
      left: ordered,
      taken: this.source.all.filter((line) => !isLeft(line)),
      needs: lab.services.flatMap(needOf),
    };
  }
}

/** The director's own page stands in. */
const isOwn = ({ address }: { readonly address: string }): boolean => address.startsWith("127.");

function needOf(service: Lab["services"][number]): string[] {
  const { protocol, check, realServers } = service;
  const title = serviceTitle(service);
  if (protocol === "udp") return [`${title} has nothing that answers clients: give it a workload`];
  const asked = negotiates(check.checktype) && checkService(check.service).asks !== undefined;
  const unmatched = asked && realServers.some(({ name }) => checkPage(service, name) === undefined);
  return unmatched
    ? [
        `${title}: no page of the lab's matches what its check expects: give it a workload, or another receive`,
      ]
    : [];
}
