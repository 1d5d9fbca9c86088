/** keepalived.conf's checkers as a lab's one check of a service. */
import { given } from "../config/serviceDefaults";
import { FLAGS, linesIn, named, value, type Behind, type Block } from "./keepalivedBlocks";
import { quotedWords, type Statement } from "./keepalivedLexer";
import { ANYTHING, UNBROUGHT } from "./ldirectordCf";
import type { Fields, Line } from "./source";

const GET = ["url", "virtualhost", "nb_get_retry", "fast_recovery"];
/** What of a checker's block counts; keepalived knows nb_get_retry in HTTP_GET and SSL_GET alone. */
export const CHECKER_KEYS: Readonly<Record<string, readonly string[]>> = {
  HTTP_GET: GET,
  SSL_GET: [...GET, "enable_sni"],
  TCP_CHECK: [],
  SMTP_CHECK: [],
  PING_CHECK: [],
  UDP_CHECK: [],
  DNS_CHECK: ["type", "name"],
  MISC_CHECK: [],
  FILE_CHECK: [],
  BFD_CHECK: [],
};
/** Of a checker, a server and a service. */
export const SHARED_KEYS = ["connect_timeout", "retry", "delay_loop", "delay_before_retry"];
/** Why a lab has no such check. */
const NOT_HAD: Readonly<Record<string, string>> = {
  UDP_CHECK: "a lab checks by no datagrams of its own",
  DNS_CHECK: "a lab asks for addresses (type A) of a name",
  MISC_CHECK: UNBROUGHT,
  FILE_CHECK: "a lab's check reads no file",
  BFD_CHECK: "a lab has no BFD",
  TCP_CHECK: "of a lab's UDP service nothing accepts connections",
};
/** Those that ask something, and so can follow a number of connects. */
const ASKING = ["HTTP_GET", "SSL_GET", "SMTP_CHECK"];
const MOST_CONNECTS = 1000;
/** Statuses that a lab's checks take. */
const GOOD = "200-299";
/** keepalived's own, in seconds and times. */
const DEFAULTS = { delay_loop: 60, connect_timeout: 5 } as const;
const RETRIES: Readonly<Record<string, number>> = { MISC_CHECK: 0, DNS_CHECK: 3 };

export interface Check {
  readonly at: Line;
  readonly said: Statement;
  /** Of the service. */
  readonly fields: Fields;
  /** Of the real server alone, where others ask for something else. */
  readonly asks: Fields;
  /** Where it is said: in checkers, its server and its service. */
  readonly levels: readonly Block[];
}

/** A checker, and where what it does not say itself is said. */
interface Checker {
  readonly kind: string;
  readonly said: Statement;
  readonly levels: readonly Block[];
  readonly isTcp: boolean;
}

/** One of a real server's checkers, or a connect and a question, both of which must pass. */
export function checkOf(
  server: Statement,
  service: Block,
  protocol: string,
  behind: Behind,
): Check | undefined {
  const checkers = named(server.block, ...Object.keys(CHECKER_KEYS)).map((said): Checker => ({
    kind: said.words[0] ?? "",
    said,
    levels: [said.block, server.block, service],
    isTcp: protocol === "tcp",
  }));
  const both = bothOf(checkers);
  if (both !== undefined) {
    const [connect, asking, every] = both;
    const times = timesOf(connect);
    tellRest(connect, behind);
    const { fields, levels, ...others } = oneCheck(asking, behind);
    const { negotiatetimeout } = fields;
    return {
      ...others,
      levels: [connect.said.block, ...levels],
      fields: { ...fields, ...times, negotiatetimeout, checktype: every },
    };
  }
  const chosen = checkers.find((each) => !isNotHad(each)) ?? checkers[0];
  if (chosen === undefined) return undefined;
  for (const each of checkers)
    if (each !== chosen)
      behind.leave(
        each.said,
        (isNotHad(each) ? NOT_HAD[each.kind] : undefined) ??
          `a lab makes one check of a service, here that of line ${chosen.said.at.line}`,
      );
  return oneCheck(chosen, behind);
}

const isNotHad = ({ kind, said, isTcp }: Checker): boolean =>
  kind === "DNS_CHECK"
    ? value(said.block, "type") !== "A" || value(said.block, "name") === undefined
    : kind === "TCP_CHECK"
      ? !isTcp
      : kind in NOT_HAD;

/** Where two checkers are what a lab's check of a number is: connects, and a question each so many of them. */
function bothOf(
  checkers: readonly Checker[],
): [connect: Checker, asking: Checker, every: number] | undefined {
  const connect = checkers.find(({ kind }) => kind === "TCP_CHECK");
  const asking = checkers.find(({ kind }) => ASKING.includes(kind));
  if (checkers.length !== 2 || connect === undefined || asking === undefined) return undefined;
  const [one, other] = [timesOf(connect), timesOf(asking)];
  const every = other.checkinterval / one.checkinterval;
  const isSame = one.checkport === other.checkport && one.failurecount === other.failurecount;
  return isSame && Number.isInteger(every) && every <= MOST_CONNECTS ? [connect, asking, every] : undefined;
}

/** Port, intervals and retries of a checker: its own, its server's, its service's, or keepalived's. */
function timesOf({ kind, said, levels }: Checker) {
  const setting = (keyword: string): string | undefined =>
    levels.map((each) => value(each, keyword)).find((each) => each !== undefined);
  const seconds = (keyword: keyof typeof DEFAULTS): number =>
    Math.max(1, Math.ceil(Number(setting(keyword) ?? DEFAULTS[keyword])));
  const port = value(said.block, "connect_port");
  const timeout = seconds("connect_timeout");
  const own = kind.endsWith("_GET") ? ["retry", "nb_get_retry"] : ["retry"];
  return {
    checkport: port === undefined ? undefined : Number(port),
    checktimeout: timeout,
    negotiatetimeout: timeout,
    checkinterval: seconds("delay_loop"),
    failurecount: Number(value(said.block, ...own) ?? setting("retry") ?? RETRIES[kind] ?? 1) + 1,
  };
}

const TIMED = ["connect_port", "nb_get_retry", ...SHARED_KEYS];

/** Lines of a server's checkers that say what they ask for and expect, and not when. */
export const askingIn = ({ block }: Statement): Line[] =>
  named(block, ...Object.keys(CHECKER_KEYS)).flatMap(({ at, block: own = [] }) => [
    at,
    ...own.filter(({ words: [keyword = ""] }) => !TIMED.includes(keyword)).flatMap(linesIn),
  ]);

/** What one block says and the other does not. */
export const differing = (one: Block, other: Block): Statement[] =>
  (one ?? []).flatMap((statement) => {
    const same = other?.find(({ raw }) => raw === statement.raw);
    return same === undefined ? [statement] : differing(statement.block, same.block);
  });

/** Pauses that are not the lab's. @param shared the lab's check */
export function tellPauses(
  checks: readonly (Check | undefined)[],
  shared: Check | undefined,
  behind: Behind,
): void {
  const interval = shared?.fields.checkinterval;
  for (const each of checks.flatMap((check) => check?.levels ?? []))
    for (const pause of named(each, "delay_before_retry"))
      if (Math.ceil(Number(pause.words[1])) !== interval)
        behind.leave(pause, `the lab tries again after checkinterval, ${String(interval)} s`);
}

/** What of a checker's block is not taken over. */
function tellRest(checker: Checker, behind: Behind): void {
  const { kind, said } = checker;
  // What is checked instead keeps its times.
  if (isNotHad(checker))
    behind.leaveEach(
      said.block?.filter(({ words: [keyword = ""] }) => !SHARED_KEYS.includes(keyword)),
      NOT_HAD[kind] ?? "",
    );
  else behind.leaveOthers(said.block, "connect_port", ...SHARED_KEYS, ...(CHECKER_KEYS[kind] ?? []));
  behind.leaveExtra(said.block, ...TIMED, "virtualhost", "type", "name");
  behind.leaveRepeated(said.block, ...[...TIMED, "virtualhost", "type", "name"].map((each) => [each]));
}

function oneCheck(checker: Checker, behind: Behind): Check {
  const { kind, said, levels } = checker;
  const virtualhost = levels.map((block) => value(block, "virtualhost")).find((each) => each !== undefined);
  const kindOf = kind.endsWith("_GET") ? httpOf(checker, virtualhost, behind) : plainOf(checker, behind);
  tellRest(checker, behind);
  const { request, receive } = kindOf;
  return {
    at: said.at,
    said,
    levels,
    fields: given({ ...kindOf, ...timesOf(checker) }),
    asks: kind.endsWith("_GET") ? given({ request, receive }) : {},
  };
}

function plainOf(checker: Checker, behind: Behind): Fields {
  const { kind, said, isTcp } = checker;
  if (kind === "SMTP_CHECK") return { checktype: "negotiate", service: "smtp" };
  if (kind === "DNS_CHECK" && !isNotHad(checker))
    return { checktype: "negotiate", service: "dns", request: value(said.block, "name"), receive: "." };
  const simple = isTcp && !/^(BFD|PING)_/.test(kind) ? "connect" : "ping";
  if (isNotHad(checker))
    behind.left.push({ ...said.at, reason: `${NOT_HAD[kind]}; checked by ${simple} instead` });
  return { checktype: simple };
}

function httpOf({ kind, said: { at, block } }: Checker, host: string | undefined, behind: Behind): Fields {
  const [url, ...others] = named(block, "url");
  for (const each of others)
    behind.leave(each, `a lab's check asks for one page, here that of line ${url?.at.line}`);
  behind.leaveOthers(url?.block, "path", "virtualhost", "regex", "status_code", "digest");
  for (const each of named(url?.block, "status_code"))
    if (each.words.slice(1).join(" ") !== GOOD)
      behind.leave(each, "a lab's check takes any status from 200 to 299");
  for (const each of named(url?.block, "digest"))
    behind.leave(each, "a lab's check compares no digest: any page is good");
  behind.leaveExtra(url?.block, "path", "virtualhost");
  behind.leaveRepeated(url?.block, ["path"], ["virtualhost"], ["regex"]);
  const regex = named(url?.block, "regex").at(-1);
  const pattern = regex && quotedWords(regex);
  if (regex && pattern && pattern.length > 2)
    behind.left.push({
      ...regex.at,
      reason: "has more behind regex than a value: keepalived reads no further",
    });
  const reversed = named(url?.block, "regex_no_match").length > 0;
  if (regex && reversed)
    behind.left.push({ ...regex.at, reason: "a lab has no expression that must not match" });
  if (url === undefined)
    behind.left.push({ ...at, reason: "asks for no page: keepalived ignores it; / is asked for" });
  return given({
    checktype: "negotiate",
    service: kind === "SSL_GET" ? "https" : "http",
    request: value(url?.block, "path") ?? "/",
    receive: reversed ? ANYTHING : (pattern?.[1] ?? ANYTHING),
    virtualhost: value(url?.block, "virtualhost") ?? host,
    // keepalived looks at no certificate.
    verify: kind === "SSL_GET" ? false : undefined,
  });
}

/** Which line of a service says what. */
export function linesOf(block: readonly Statement[] = [], check: Check | undefined): [string, Line][] {
  const fields: Readonly<Record<string, string>> = {
    lb_algo: "scheduler",
    lvs_sched: "scheduler",
    persistence_timeout: "persistent",
    persistence_granularity: "persistenceNetmask",
    inhibit_on_failure: "quiescent",
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
