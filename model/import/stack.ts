/** From a file's cluster to a stack's configuration. Whatever the lab's own schema and rules refuse is left out, and told with their reason. */
import { ConfigError, parseConfig } from "../config/config";
import type { Identity } from "../config/defaults";
import { MAIN } from "../config/serviceDefaults";
import type { Refusal } from "../config/refusal";
import type { Lab } from "../lab/types";
import { Places, TIMES } from "./configuration";
import { distinct, draftOf, nameServices, type Draft, type Marks } from "./drafts";
import { Leaving } from "./left";
import { machinesOf, type Machine } from "./machines";
import { needOf } from "./needs";
import type { Fields, Left, Line, Source } from "./source";
import { toldOf, type Told } from "./told";

export type { Marks } from "./drafts";
export { leftText, NothingToImport } from "./left";

export interface Imported extends Told {
  readonly config: Fields;
  readonly lab: Lab;
  readonly taken: readonly Line[];
  readonly left: readonly Left[];
  /** What the lab needs beside, to serve what is checked. */
  readonly needs: readonly string[];
}

/** Without which a service is another one. */
const ESSENTIAL = /^(name|vip|port|ports|mark|protocol|workload)$/;
/** What the rest of a check does not need. */
const OPTIONAL = /^(checktimeout|negotiatetimeout|checkinterval|failurecount|virtualhost|checkport)$/;
/** What an import chooses itself, and so never leaves out. */
const CHOSEN = /^(clientNetwork|serverNetwork|vipCidr|vip6Cidr|router|director|client)$/;
/** What is made of a check that cannot be had, the first that can. */
const INSTEAD = { tcp: ["connect", "on"], udp: ["ping", "on"] };
/** As many refusals are taken one after the other. */
const ROUNDS = 1000;

/** @throws NothingToImport when no service can be taken over; ConfigError for what cannot be left out */
export function importStack(source: Source, identity: Identity, marks: Marks): Imported {
  const work = new Import(source, identity, marks);
  for (let round = 0; round < ROUNDS; round++) {
    if (work.drafts.length === 0) throw work.nothing(source.all, () => work.tellRest());
    const config = work.config();
    const refused = refusals(config, identity);
    if (!isRefused(refused)) return work.result(config, refused);
    // One at a time: the others may follow from it.
    const [refusal] = refused;
    if (refusal === undefined) break;
    if (source.otherwise !== undefined && isOfMode(refusal, config, identity)) {
      const other = source.otherwise();
      const { at, field, inner } = work.locate(refusal, config);
      const reason = `${field === "healthCheck" ? inner : field} ${refusal.message}: the lab's director runs ldirectord instead`;
      return importStack({ ...other, left: [...other.left, { ...at, reason }] }, identity, marks);
    }
    if (!work.leaveOut(refusal, config)) throw new ConfigError(refused);
  }
  throw new Error("the configuration stays refused");
}

function refusals(config: Fields, identity: Identity): Lab | readonly Refusal[] {
  try {
    return parseConfig(config, identity);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const isRefused = (result: Lab | readonly Refusal[]): result is readonly Refusal[] => Array.isArray(result);

/** Whether ldirectord could do what the other cannot. */
function isOfMode({ key, message }: Refusal, config: Fields, identity: Identity): boolean {
  const others = refusals(
    { ...config, director: { ...(config.director as Fields), mode: "ldirectord" } },
    identity,
  );
  return !isRefused(others) || !others.some((each) => each.key === key && each.message === message);
}

/** What a refusal is about. */
interface Where {
  readonly draft: Draft | undefined;
  /** Whether the service is one of `services`. */
  readonly inList: boolean;
  readonly top: string;
  readonly field: string;
  readonly inner: string;
  readonly leaf: string | undefined;
  readonly at: Line;
}

class Import extends Leaving {
  drafts: Draft[];
  private readonly places: Places;
  private readonly machines: ReadonlyMap<string, Machine>;
  private readonly ldirectord: Fields;
  private pair: Fields | undefined;

  constructor(
    private readonly source: Source,
    identity: Identity,
    marks: Marks,
  ) {
    super(source.left);
    this.ldirectord = { ...source.ldirectord };
    this.pair = source.pair && { ...source.pair.fields };
    const drafts = source.services.flatMap((service) => draftOf(service, marks, this));
    this.drafts = distinct(drafts, this);
    const vips = this.drafts.map(({ vip }) => vip);
    for (const { at, address } of source.pair?.addresses ?? [])
      if (!vips.includes(address)) this.leave(at, "is no service's address");
    this.machines = machinesOf(this.drafts, source.names);
    this.places = new Places(this.drafts, this.machines, source.networks, identity);
    nameServices(this.drafts);
  }

  config(): Fields {
    const { ldirectord, pair, source } = this;
    return this.places.configuration(this.drafts, { mode: source.mode, ldirectord, pair });
  }

  locate({ key }: Pick<Refusal, "key">, config: Fields): Where {
    const path = key.split(/[.[\]]+/).filter((each) => each !== "");
    const [top = "", index = "", ...rest] = path;
    const inList = top === "services";
    // Of a list that is too long as a whole it is the last one.
    const isTooLong = /^(services|vips)$/.test(top) && index === "";
    const name = inList ? ((config.services as Fields[])[Number(index)]?.name as string) : MAIN;
    const draft = isTooLong ? this.drafts.at(-1) : this.drafts.find((each) => each.name === name);
    const [field = "", inner = "", leaf] = inList && !isTooLong ? rest : path;
    const { lines = {}, at } = draft?.source ?? {};
    return {
      draft,
      inList,
      top,
      field,
      inner,
      leaf,
      at: lines[`${field}.${inner}`] ?? lines[field] ?? at ?? { line: 1, text: "" },
    };
  }

  /** @returns whether something was left out for it */
  leaveOut(refusal: Refusal, config: Fields): boolean {
    const { message } = refusal;
    const { draft, inList, top, field, inner, leaf, at: where } = this.locate(refusal, config);
    if (/^(directors|highAvailability)$/.test(top)) return this.leavePair(inner, message);
    if (top === "ldirectord") return this.leaveOption(this.ldirectord, this.source.lines, inner, message);
    if (draft === undefined || (!inList && CHOSEN.test(top))) return false;
    if (field === "ldirectord") {
      const own = Object.entries(draft.source.lines);
      const lines = Object.fromEntries(own.map(([each, line]) => [each.replace("ldirectord.", ""), line]));
      return this.leaveOption(draft.fields.ldirectord as Fields, lines, inner, message);
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
    if (at !== draft.source.at) this.leave(draft.source.at, `is left out: see line ${at.line}`);
    this.leave(at, reason);
    this.drafts = this.drafts.filter((each) => each !== draft);
    nameServices(this.drafts);
    return true;
  }

  /** A field of what the directors share, or their being two. */
  private leavePair(field: string, message: string): boolean {
    const { at, lines = {} } = this.source.pair ?? {};
    if (this.pair === undefined || at === undefined) return false;
    if (this.pair[field] === undefined) {
      this.pair = undefined;
      this.leave(at, `two directors ${message}`);
      for (const each of Object.values(lines)) this.leave(each, `is of the instance in line ${at.line}`);
    } else {
      delete this.pair[field];
      this.leave(lines[field] ?? at, `${field} ${message}`);
    }
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
    const instead = INSTEAD[draft.fields.protocol === "udp" ? "udp" : "tcp"];
    const next = instead[instead.indexOf(String(check.checktype)) + 1];
    if (next === undefined) return this.drop(draft, at, `${field} ${message}`);
    const kept = Object.entries(check).filter(
      ([key]) => (TIMES as readonly string[]).includes(key) || key === "checkport",
    );
    draft.fields.healthCheck = { checktype: next, ...Object.fromEntries(kept) };
    this.leave(at, `${field} ${message}; ${next === "on" ? "not checked" : `checked by ${next} instead`}`);
    const reason = `is of a check that is not taken over: see line ${at.line}`;
    this.leaveRest(draft.source.asking, reason);
    for (const { source, fields } of draft.members) {
      if (fields.request !== undefined || fields.receive !== undefined) this.leaveRest([source.at], reason);
      delete fields.request;
      delete fields.receive;
    }
    return true;
  }

  /** What a real server has in all services. */
  private leaveServer(name: string, field: string, message: string): boolean {
    const server = [...this.machines.values()].find((each) => each.name === name);
    const value = server?.fields[field];
    if (server === undefined || value === undefined) return false;
    delete server.fields[field];
    for (const { source, fields } of this.drafts.flatMap(({ members }) => members)) {
      if (this.machines.get(source.address) !== server || fields[field] !== value) continue;
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

  /** What is not taken over, in order: with all lines of services that are left out. */
  tellRest(): Left[] {
    const kept = new Set(this.drafts.map(({ source }) => source.inner));
    for (const { at, inner } of this.source.services)
      if (!kept.has(inner)) this.leaveRest(inner, `is of the service in line ${at.line}`);
    return [...this.left].sort((a, b) => (a.file ?? "").localeCompare(b.file ?? "") || a.line - b.line);
  }

  result(config: Fields, lab: Lab): Imported {
    const left = this.tellRest();
    return {
      config,
      lab,
      ...toldOf(lab, this.machines, this.places.moved, this.source.names),
      left,
      taken: this.source.all.filter((line) => !this.isLeft(line)),
      needs: lab.services.flatMap(needOf),
    };
  }
}
