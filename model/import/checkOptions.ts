/** Which of ldirectord's checks read which options: as in its subs check_http, check_sql and so on. */
import { negotiates, type CheckService } from "../director/checkServices";

const WEB = ["http", "https", "http_proxy"] as const;
const SQL = ["mysql", "oracle", "pgsql"] as const;
const LOGGED_IN = [...SQL, "ftp", "imap", "imaps", "ldap", "ldaps", "pop", "pops", "radius"] as const;
const ANSWERED = [...WEB, "dns", "ftp", "ldap", "ldaps", "simpletcp"] as const;
/** Those of negotiate checks, by the services that read them. */
const READERS: Readonly<Record<string, readonly CheckService[]>> = {
  request: [...ANSWERED, ...SQL],
  receive: ANSWERED,
  httpmethod: WEB,
  virtualhost: WEB,
  login: [...LOGGED_IN, "sip"],
  passwd: LOGGED_IN,
  database: SQL,
  secret: ["radius"],
};
/** Those that say what a check asks for and expects: without the check they say nothing. */
export const ASKING = ["checktype", "service", "checkcommand", ...Object.keys(READERS)];

/** Why a check, which is not an external one, does not read an option; undefined where it does. */
export function unread(
  option: string,
  checktype: string | number,
  service: CheckService,
): string | undefined {
  if (option === "checkcommand") return "is read by external checks only";
  const readers = READERS[option];
  if (readers === undefined && option !== "service") return undefined;
  if (!negotiates(checktype)) return `is read by negotiate checks only, and this one is ${checktype}`;
  return readers === undefined || readers.includes(service)
    ? undefined
    : `is not read by a check of ${service}`;
}
