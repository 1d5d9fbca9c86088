/** What is refused of health checks and ldirectord, word for word; numbers are those of the project's list of bad inputs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { expectRefusals } from "./refusals";

const CA = readFileSync(join(__dirname, "ca.pem"), "utf8");
const BROKEN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

expectRefusals("health checks and ldirectord", [
  {
    name: "33 timeout 0",
    raw: { healthCheck: { checktimeout: 0 } },
    lines: [
      "healthCheck.checktimeout = 0: must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 4 to 86403 seconds. Fix: choose 1 to 86400.",
    ],
  },
  {
    name: "33 timeout 86401",
    raw: { healthCheck: { negotiatetimeout: 86401 } },
    lines: [
      "healthCheck.negotiatetimeout = 86401: must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 4 to 86403 seconds. Fix: choose 1 to 86400.",
    ],
  },
  {
    name: "33 failurecount 0",
    raw: { healthCheck: { failurecount: 0 } },
    lines: [
      "healthCheck.failurecount = 0: must be an integer from 1 to 1000 failures; a silent real server is then out after at most 6 to 4002 seconds. Fix: choose 1 to 1000.",
    ],
  },
  {
    name: "33 interval 0",
    raw: { healthCheck: { checkinterval: 0 } },
    lines: [
      "healthCheck.checkinterval = 0: must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 6 to 86405 seconds. Fix: choose 1 to 86400.",
    ],
  },
  {
    name: "33 beside what else is configured",
    raw: {
      healthCheck: { failurecount: 3, checkinterval: 2, negotiatetimeout: 5, checktimeout: "soon" },
      services: [
        { port: 81, healthCheck: { checktimeout: 90000 } },
        { port: 25, healthCheck: { checktype: 4, service: "http", failurecount: 1001 } },
        { name: "main", healthCheck: { checkinterval: 90000 } },
      ],
    },
    lines: [
      'healthCheck.checktimeout = "soon": must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 23 seconds. Fix: choose 1 to 86400, written without quotes.',
      "services[0].healthCheck.checktimeout = 90000: must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 11 to 259208 seconds. Fix: choose 1 to 86400.",
      "services[1].healthCheck.failurecount = 1001: must be an integer from 1 to 1000 failures; a silent real server is then out after at most 17 to 7010 seconds. Fix: choose 1 to 1000.",
      "services[2].healthCheck.checkinterval = 90000: must be an integer from 1 to 86400 seconds; a silent real server is then out after at most 20 to 259217 seconds. Fix: choose 1 to 86400.",
    ],
  },
  {
    name: "an unknown key by a name that every object has",
    raw: { healthCheck: { valueOf: null } },
    lines: [
      "healthCheck.valueOf: is not a configuration key. Fix: remove it; known here are checktype, service, checkport, checkcommand, request, receive, httpmethod, virtualhost, login, passwd, database, secret, verify, ca, checktimeout, negotiatetimeout, checkinterval, failurecount.",
    ],
  },
  {
    name: "33 where nothing is checked",
    raw: { healthCheck: { checktype: "on", failurecount: 0 } },
    lines: [
      "healthCheck.failurecount = 0: must be an integer from 1 to 1000 failures. Fix: choose 1 to 1000.",
    ],
  },
  {
    name: "35 newline",
    raw: { healthCheck: { request: "a\nreal=1.1.1.1:80 gate" } },
    lines: [
      'healthCheck.request = "a\\nreal=1.1.1.1:80 gate": would corrupt ldirectord.cf at position 2. Fix: remove line breaks, control characters, " and #.',
    ],
  },
  {
    name: "35 quote",
    raw: { healthCheck: { receive: 'te"st' } },
    lines: [
      'healthCheck.receive = "te\\"st": would corrupt ldirectord.cf at position 3. Fix: remove line breaks, control characters, " and #.',
    ],
  },
  {
    name: "35 hash",
    raw: { healthCheck: { virtualhost: "a#b" } },
    lines: [
      'healthCheck.virtualhost = "a#b": would corrupt ldirectord.cf at position 2. Fix: remove line breaks, control characters, " and #.',
    ],
  },
  {
    name: "35 bad regex",
    raw: { healthCheck: { receive: "te(st" } },
    lines: [
      'healthCheck.receive = "te(st": is not a regular expression: unterminated group at position 3. Fix: correct the expression, with a backslash before ( ) [ ] { } . * + ? that stand for themselves.',
    ],
  },
  {
    name: "35 code in a regex",
    raw: { healthCheck: { receive: "(?{ system 'x' })" } },
    lines: [
      "healthCheck.receive = \"(?{ system 'x' })\": is not a regular expression: code blocks are not allowed at position 1. Fix: correct the expression, with a backslash before ( ) [ ] { } . * + ? that stand for themselves.",
    ],
  },
  {
    name: "a check that the built-in web server cannot pass",
    raw: {
      services: [
        { name: "mail", port: 25 },
        { port: 3306, healthCheck: { checktype: "connect" } },
      ],
    },
    lines: [
      'services[0].healthCheck.service = "smtp": finds all real servers of mail dead: at its port they run the built-in web server. Fix: name a workload that speaks smtp: services: [{ name: mail, workload: … }]; or set checktype to connect.',
    ],
  },
  {
    name: "35 secret is not shown",
    raw: {
      healthCheck: { checktype: "connect", service: "radius", login: "u", passwd: "p", secret: 's3cret"' },
    },
    lines: [
      'healthCheck.secret: would corrupt ldirectord.cf at position 7. Fix: remove line breaks, control characters, " and #.',
    ],
  },
  {
    name: "35 empty",
    raw: { healthCheck: { request: "" } },
    lines: ['healthCheck.request = "": is empty. Fix: leave the key out or give it a value.'],
  },
  {
    name: "connect check of udp",
    raw: { services: [{ port: 53, protocol: "udp", healthCheck: { checktype: "connect" } }] },
    lines: [
      'services[0].healthCheck.checktype = "connect": cannot be used with udp: ldirectord would silently ping instead. Fix: say ping, or negotiate with a service.',
    ],
  },
  {
    name: "check off",
    raw: { healthCheck: { checktype: "off" } },
    lines: [
      'healthCheck.checktype = "off": puts no real server into the table: every request would go to the sorry server. Fix: say on for real servers that are never checked.',
    ],
  },
  {
    name: "check unknown",
    raw: { healthCheck: { checktype: "http" } },
    lines: [
      'healthCheck.checktype = "http": is not a valid check type. Fix: choose one of negotiate, connect, ping, external, external-perl, on, or 1 to 1000 for a negotiate check after so many connects.',
    ],
  },
  {
    name: "check number 0",
    raw: { healthCheck: { checktype: 0 } },
    lines: [
      "healthCheck.checktype = 0: is not a valid check type. Fix: choose one of negotiate, connect, ping, external, external-perl, on, or 1 to 1000 for a negotiate check after so many connects.",
    ],
  },
  {
    name: "external without command",
    raw: { healthCheck: { checktype: "external" } },
    lines: ["healthCheck.checkcommand: is missing: checktype external needs it. Fix: give it a value."],
  },
  {
    name: "command without external",
    raw: { healthCheck: { checkcommand: "/bin/true" } },
    lines: [
      'healthCheck.checkcommand = "/bin/true": is run by external checks only. Fix: set checktype to external, or remove checkcommand.',
    ],
  },
  {
    name: "a field of main at the key where it is set, or would be",
    raw: {
      healthCheck: { checkcommand: "/bin/true" },
      services: [{ name: "main", healthCheck: { checkinterval: 2, service: "mysql", login: "u" } }],
    },
    lines: [
      'healthCheck.checkcommand = "/bin/true": is run by external checks only. Fix: set checktype to external, or remove checkcommand.',
      "healthCheck.request: is missing: a mysql check without it takes every server for dead. Fix: give it a value, or set checktype to connect.",
    ],
  },
  {
    name: "once what was refused of main, here or there",
    raw: {
      healthCheck: { checktype: "external", checkcommand: "relative" },
      services: [{ name: "main", healthCheck: { checkinterval: 2 } }],
    },
    lines: ['healthCheck.checkcommand = "relative": is not an absolute path. Fix: start it with /.'],
  },
  {
    name: "once what was refused of main where it is changed",
    raw: {
      healthCheck: { checktype: "external" },
      services: [{ port: 81 }, { name: "main", healthCheck: { checkcommand: "relative" } }],
    },
    lines: [
      'services[1].healthCheck.checkcommand = "relative": is not an absolute path. Fix: start it with /.',
    ],
  },
  {
    name: "command with arguments",
    raw: { healthCheck: { checktype: "external", checkcommand: "/opt/check -v" } },
    lines: [
      'healthCheck.checkcommand = "/opt/check -v": has a space in it: ldirectord takes all of it for the program\'s name, and gives the program arguments of its own. Fix: write the path alone; put arguments into a script on the director.',
    ],
  },
  {
    name: "certificates that nobody looks at",
    raw: {
      healthCheck: { verify: false },
      services: [
        { port: 443, healthCheck: { verify: false, ca: CA } },
        { port: 636, healthCheck: { ca: CA } },
        { port: 993, healthCheck: { checktype: "connect", ca: CA } },
      ],
    },
    lines: [
      "healthCheck.verify: has no effect: a http check sees no certificate. Fix: remove it, or check https, pops, imaps or ldaps.",
      "services[0].healthCheck.ca: has no effect where certificates are not verified. Fix: set verify to true, or remove ca.",
      "services[1].healthCheck.ca: has no effect where certificates are not verified. Fix: set verify to true, or remove ca.",
      "services[2].healthCheck.ca: has no effect: a check of type connect sees no certificate. Fix: remove it, or check https, pops, imaps or ldaps.",
    ],
  },
  {
    name: "certificates that are none",
    raw: {
      services: [443, 8443].map((port, index) => ({
        port,
        healthCheck: { service: "https", ca: ["ca.pem", BROKEN][index] },
      })),
    },
    lines: [
      'services[0].healthCheck.ca: holds no certificate in PEM. Fix: write the text of the file, from -----BEGIN CERTIFICATE----- on; with `pulumi config set --path`, "$(cat ca.pem)".',
      'services[1].healthCheck.ca: holds one that cannot be read, number 1. Fix: write the text of the file, from -----BEGIN CERTIFICATE----- on; with `pulumi config set --path`, "$(cat ca.pem)".',
    ],
  },
  {
    name: "a second daemon",
    raw: { ldirectord: { execute: ["other.cf"] } },
    lines: [
      'ldirectord.execute = ["other.cf"]: starts a second daemon, whose services are not the lab\'s: `up` would take them out of the table. Fix: write those services under services.',
    ],
  },
  {
    name: "alerts that nobody sends",
    raw: {
      ldirectord: { emailalert: ["ops@example.com"], emailalertfrom: "director" },
      services: [
        { port: 81, ldirectord: { emailalert: ["a@example.com"] } },
        { port: 82, ldirectord: { emailalert: ["a@example.com"], smtp: "mail.example.com" } },
      ],
    },
    lines: [
      'ldirectord.emailalertfrom = "director": is not a sender. Fix: write user@example.com or NAME <user@example.com>.',
      "ldirectord.smtp: is missing: the director has no mail program of its own to send alerts. Fix: name a mail server, or remove emailalert.",
      "services[0].ldirectord.smtp: is missing: the director has no mail program of its own to send alerts. Fix: name a mail server, or remove emailalert.",
    ],
  },
  {
    name: "SQL without login",
    raw: { healthCheck: { service: "mysql", request: "SELECT 1" } },
    lines: [
      "healthCheck.login: is missing: a mysql check without it takes every server for dead. Fix: give it a value, or set checktype to connect.",
    ],
  },
  ...(
    [
      [21, ["request", "receive"], "ftp", "takes a dead server for alive"],
      [110, ["login", "passwd"], "pop", "takes a dead server for alive"],
      [995, ["login", "passwd"], "pops", "takes a dead server for alive"],
      [3128, ["request"], "http_proxy", "takes every server for dead"],
      [3306, ["login", "request"], "mysql", "takes every server for dead"],
      [1521, ["login", "database", "request"], "oracle", "takes every server for dead"],
    ] as const
  ).map(([port, fields, service, otherwise]) => ({
    name: `check by port ${port} that lacks what it needs`,
    raw: { services: [{ port }] },
    lines: fields.map(
      (field) =>
        `services[0].healthCheck.${field}: is missing: a ${service} check without it ${otherwise}. Fix: give it a value, or set checktype to connect.`,
    ),
  })),
  {
    name: "dns check of nothing",
    raw: { services: [{ port: 53, protocol: "udp", healthCheck: { checktype: "negotiate" } }] },
    lines: [
      "services[0].healthCheck.request: is missing: a dns check without it takes every server for dead. Fix: give it a value, or set checktype to ping.",
      "services[0].healthCheck.receive: is missing: a dns check without it takes every server for dead. Fix: give it a value, or set checktype to ping.",
    ],
  },
  {
    name: "negotiation with nobody",
    raw: {
      services: [
        { port: 8080, healthCheck: { checktype: "negotiate" } },
        { port: 8081, healthCheck: { checktype: 3 } },
      ],
    },
    lines: [
      'services[0].healthCheck.checktype = "negotiate": asks nothing with service none, that of port 8080: a dead server would be taken for alive. Fix: say connect, or set service to a protocol.',
      "services[1].healthCheck.checktype = 3: asks nothing with service none, that of port 8081: a dead server would be taken for alive. Fix: say connect, or set service to a protocol.",
    ],
  },
  {
    name: "HEAD with a server's receive",
    raw: {
      healthCheck: { httpmethod: "HEAD" },
      realServers: [{}, { request: "a", receive: "b" }],
    },
    lines: [
      'healthCheck.httpmethod = "HEAD": gets an answer without body, which receive of rs2 cannot match. Fix: remove that receive, or use httpmethod GET.',
    ],
  },
  {
    name: "HEAD with receive",
    raw: { healthCheck: { httpmethod: "HEAD", receive: "x" } },
    lines: [
      'healthCheck.receive = "x": cannot match the answer to HEAD, which has no body. Fix: remove receive, or use httpmethod GET.',
    ],
  },
  {
    name: "request without receive",
    raw: { realServers: [{ request: "a" }] },
    lines: [
      "realServers[0].receive: is missing beside request: ldirectord takes the two only together. Fix: set receive, or remove request.",
    ],
  },
  {
    name: "request that a service gives without receive, where the server's own is another protocol's",
    raw: {
      realServers: [{ request: "a", receive: "b" }, {}],
      workloads: [{ name: "own" }],
      services: [{ port: 119, workload: "own", realServers: [{ name: "rs1", request: "x" }] }],
    },
    lines: [
      "services[0].realServers[0].receive: is missing beside request: ldirectord takes the two only together. Fix: set receive, or remove request.",
    ],
  },
  {
    name: "thresholds out of order",
    raw: { realServers: [{ lowerThreshold: 5, upperThreshold: 5 }, { lowerThreshold: 1 }] },
    lines: [
      "realServers[0].lowerThreshold = 5: is not below upperThreshold 5. Fix: set upperThreshold above it.",
      "realServers[1].lowerThreshold = 1: has no effect without upperThreshold. Fix: set upperThreshold above it.",
    ],
  },
  {
    name: "thresholds that a service changes by halves",
    raw: {
      realServers: [{ lowerThreshold: 5, upperThreshold: 9 }],
      services: [
        { port: 81, realServers: [{ name: "rs1", upperThreshold: 3 }] },
        { port: 82, realServers: [{ name: "rs1", lowerThreshold: 8 }] },
      ],
    },
    lines: [
      "services[0].realServers[0].lowerThreshold = 5: is not below upperThreshold 3. Fix: set upperThreshold above it.",
    ],
  },
  {
    name: "daemon in the background",
    raw: { ldirectord: { supervised: false } },
    lines: [
      "ldirectord.supervised = false: sends the daemon to the background, where systemd ends it and starts the next, for ever. Fix: leave the key out.",
    ],
  },
  {
    name: "thresholds in static mode",
    raw: { director: { mode: "static" }, realServers: [{ upperThreshold: 5 }] },
    lines: [
      "realServers[0].upperThreshold = 5: is set by the daemon that checks, and in static mode none runs. Fix: set director.mode to ldirectord or keepalived, or remove the thresholds.",
    ],
  },
  {
    name: "intervals without fork",
    raw: { ldirectord: { fork: false }, services: [{ port: 81, healthCheck: { checkinterval: 5 } }] },
    lines: [
      "ldirectord.fork = false: checks every service at one interval, and the services have 1, 5 s. Fix: set fork to true, or use one checkinterval.",
    ],
  },
  {
    name: "autoreload without fork",
    raw: { ldirectord: { fork: false, autoreload: true } },
    lines: [
      "ldirectord.autoreload = true: freezes all health checks at the first bad file when fork is false. Fix: leave autoreload off (the lab sends HUP after it has validated the file), or set fork to true.",
    ],
  },
  {
    name: "alert states",
    raw: { ldirectord: { emailalertstatus: ["none", "running"] } },
    lines: [
      'ldirectord.emailalertstatus = ["none","running"]: has none beside other states. Fix: write none alone, or remove it.',
    ],
  },
  {
    name: "mail address",
    raw: { ldirectord: { emailalert: ["root"] } },
    lines: ['ldirectord.emailalert[0] = "root": is not an e-mail address. Fix: write user@example.com.'],
  },
]);

it("takes half of request and receive from a service, and half from the real server itself", () => {
  const services = [
    { port: 81, realServers: [{ name: "rs1", request: "x" }], healthCheck: { service: "http" } },
  ];
  const raw = { realServers: [{ request: "a", receive: "b" }, {}], services };
  const lab = parseConfig(raw, { project: "lvs-dr", stack: "dev" });
  expect(lab.services[1]?.realServers).toEqual([expect.objectContaining({ request: "x", receive: "b" })]);
});
