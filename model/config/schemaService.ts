/** Schema of what a virtual service is made of: scheduling, health check, sorry server. */
import { z } from "zod";
import { CHECK_SERVICES } from "../director/checkServices";
import { CHECK_TIMES } from "../director/detection";
import { readPorts } from "../lab/ports";
import {
  absolutePath,
  certificates,
  choice,
  directive,
  flag,
  integer,
  ipv4,
  ipv6,
  netmask,
  nodeName,
  optional,
  pattern,
  required,
  says,
} from "./schemaParts";

/** Schedulers of Linux 6.1, as ipvsadm names them. */
export const SCHEDULERS = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "fo",
  "ovf",
  "lblc",
  "lblcr",
  "dh",
  "sh",
  "mh",
  "sed",
  "nq",
  "twos",
] as const;

export const SCHEDULER_FLAGS = [
  "sh-fallback",
  "sh-port",
  "mh-fallback",
  "mh-port",
  "flag-1",
  "flag-2",
  "flag-3",
] as const;

const CHECKTYPES = ["negotiate", "connect", "ping", "external", "external-perl", "on", "off"] as const;

const checktypeError = {
  error: says(
    "is not a valid check type",
    `choose one of ${CHECKTYPES.filter((type) => type !== "off").join(", ")}, or 1 to 1000 for a negotiate check after so many connects`,
  ),
};

export const healthCheck = z.strictObject({
  checktype: optional(
    z.union(
      [z.enum(CHECKTYPES), z.int(checktypeError).min(1, checktypeError).max(1000, checktypeError)],
      checktypeError,
    ),
    "How real servers are checked; a number N means one negotiate check after N connects; off is always refused.",
    "negotiate; connect where the port's protocol is unknown, ping for udp",
  ),
  service: optional(
    choice(CHECK_SERVICES, "service that ldirectord can check"),
    "Protocol of a negotiate check.",
    "http for the main service, else by port",
  ),
  checkport: optional(integer(1, 65535), "Port that is checked.", "the service's port"),
  checkcommand: optional(
    absolutePath().regex(/^\S+$/, {
      error: says(
        "has a space in it: ldirectord takes all of it for the program's name, and gives the program arguments of its own",
        "write the path alone; put arguments into a script on the director",
      ),
    }),
    "Program on the director that external checks run, or for external-perl a file of Perl code; one of your own comes by director.files. `up` fails where it is not there.",
  ),
  request: optional(
    directive(),
    "What a negotiate check asks for: a path, an SQL query, a DNS name …",
    "test.html for http and https",
  ),
  receive: optional(pattern(), "Regular expression that the answer must match.", "test for http and https"),
  httpmethod: optional(choice(["GET", "HEAD"], "method"), "HTTP method of the check.", "GET"),
  virtualhost: optional(
    directive(253).regex(/^[A-Za-z0-9.:_-]+$/, {
      error: says("is not a host name", "write a host name such as www.example.com"),
    }),
    "Host header of the check; for https also the server's name in the TLS handshake (SNI).",
  ),
  login: optional(directive(), "User name of the check."),
  passwd: optional(directive(), "Password of the check. Set it with `pulumi config set --secret`."),
  database: optional(directive(), "Database of a mysql, pgsql or oracle check."),
  secret: optional(directive(), "Secret of a radius check."),
  verify: optional(
    flag(),
    "Whether the certificate of an https, pops, imaps or ldaps server must come from an issuer that the director trusts. Its name does not matter: a check goes to the real server's address.",
    "true; false for ldaps",
  ),
  ca: optional(
    certificates(),
    "The trusted issuers, in PEM, for example a certificate authority of your own.",
    "those of the director's /etc/ssl/certs",
  ),
  checktimeout: optional(
    integer(...CHECK_TIMES.checktimeout, "seconds"),
    "Seconds that a connect, ping or external check, and a fallbackcommand, may take.",
    "3",
  ),
  negotiatetimeout: optional(
    integer(...CHECK_TIMES.negotiatetimeout, "seconds"),
    "Seconds that a negotiate check may take.",
    "checktimeout",
  ),
  checkinterval: optional(
    integer(...CHECK_TIMES.checkinterval, "seconds"),
    "Seconds between two rounds of checks.",
    "1",
  ),
  failurecount: optional(
    integer(...CHECK_TIMES.failurecount, "failures"),
    "Failures in a row that take a real server out. With 1, as in the article, a server that flaps changes the table at " +
      "every check, and a lost packet or two eject it; 3 every second ride out both, and notice a dead server 2 seconds later.",
    "1",
  ),
});

export const schedulerFields = {
  scheduler: choice(SCHEDULERS, "scheduler"),
  schedulerFlags: z
    .array(choice(SCHEDULER_FLAGS, "scheduler flag"), {
      error: says("must be a list", "write a list of flags"),
    })
    .max(3, { error: says("has more than 3 flags", "name each flag once") }),
  persistent: integer(0, 2678400, "seconds", "; 0 turns persistence off, 31 days is the kernel's limit"),
  persistenceNetmask: netmask(),
  persistencePrefix6: integer(1, 128, "bits"),
  quiescent: flag(),
};

export const weight = () => integer(0, 65535, "", "; 0 means no new connections");
export const port = () => integer(1, 65535, "", ", not SSH's 22");

/** nft and a person read them at a glance up to here. */
const MAX_PORTS = 64;

const portsError = {
  error: says(
    "is neither all nor a list of ports",
    "write all, or a list of up to 64 ports and ranges such as [21, 30000-30099]",
  ),
};
const portOrRange = z.union(
  [z.int(portsError).min(1, portsError).max(65535, portsError), z.string()],
  portsError,
);

/** A group of ports; gives them in the order in which they are written. */
export const portGroup = () =>
  z
    .union([z.literal("all"), z.array(portOrRange).min(1, portsError).max(MAX_PORTS, portsError)], portsError)
    .check((context) => {
      const bad =
        context.value === "all"
          ? undefined
          : context.value.find((each) => readPorts(String(each)) === undefined);
      if (bad === undefined) return;
      const message = says(
        `has ${JSON.stringify(bad)}, which is neither a port nor a range`,
        "write ports from 1 to 65535, and ranges such as 30000-30099",
      );
      context.issues.push({ code: "custom", input: context.value, message });
    });

const ofServer = {
  lowerThreshold: optional(
    integer(1, 2147483647, "connections"),
    "Connections below which an overloaded server gets new ones again.",
  ),
  upperThreshold: optional(
    integer(1, 2147483647, "connections"),
    "Connections above which it gets no new ones.",
  ),
  request: optional(directive(), "Replaces the check's request for this server; needs receive."),
  receive: optional(pattern(), "Replaces the check's receive for this server; needs request."),
};

/** A real server's part in one service. */
export const serviceRealServer = z.strictObject({
  name: required(nodeName(), "Name of a real server of the lab."),
  weight: optional(weight(), "Its weight in this service.", "the server's own"),
  drain: optional(flag(), "Weight 0, open connections keep running.", "the server's own"),
  port: optional(port(), "Only the service's port: Direct Routing cannot map ports."),
  ...ofServer,
});

/** Fields shared by the list `realServers` of the lab. */
export const realServerService = {
  port: optional(port(), "Only the service's port: Direct Routing cannot map ports."),
  ...ofServer,
};

const sorryEndpoint = {
  address: optional(
    ipv4(),
    "127.0.0.1 is the director's own web server, which speaks HTTP only; another address must be on the server segment.",
    "127.0.0.1",
  ),
  address6: optional(
    ipv6(),
    "The same for clients of IPv6.",
    "::1 beside 127.0.0.1, address6 of a real server beside its address",
  ),
  port: optional(port(), "Only the service's port: Direct Routing cannot map ports."),
};

const sorryError = {
  error: says("is neither false nor an object", "write false, or an object with address and port"),
};

export const sorryServer = z.union([z.literal(false), z.strictObject(sorryEndpoint)], sorryError);

/** The main service's sorry server, whose page the director serves. */
export const mainSorryServer = z.union(
  [z.literal(false), z.strictObject({ page: pageText(), ...sorryEndpoint })],
  sorryError,
);

function pageText() {
  return z
    .string({ error: says("must be a text", "write a text") })
    .min(1, { error: says("is empty", "write the text that clients shall read") })
    .max(65536, { error: says("is longer than 64 KiB", "shorten it") })
    .default("sorry server")
    .describe("Body of the page that clients read while no real server is up.");
}
