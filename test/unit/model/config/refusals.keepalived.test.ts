/** What is refused where keepalived checks the real servers, word for word. */
import { expectRefusals } from "./refusals";

const director = { mode: "keepalived" };
const OTHER = "Fix: leave it out, or set director.mode to ldirectord.";
const CHECK = "Fix: set checktype to connect or external, or director.mode to ldirectord.";

expectRefusals("keepalived's checkers", [
  {
    name: "a protocol that it does not speak",
    raw: {
      director,
      services: [
        { name: "db", port: 3306, workload: "db", healthCheck: { login: "me", request: "SELECT 1" } },
      ],
      workloads: [{ name: "db", ports: [3306], script: "true" }],
    },
    lines: [
      `services[0].healthCheck.service = "mysql": is not a protocol that keepalived can check: mysql. ${CHECK}`,
    ],
  },
  {
    name: "code for ldirectord",
    raw: { director, healthCheck: { checktype: "external-perl", checkcommand: "/usr/local/bin/check.pl" } },
    lines: [`healthCheck.checktype = "external-perl": is code for ldirectord's own process. ${CHECK}`],
  },
  {
    name: "times that its parser does not take",
    raw: { director, healthCheck: { checktimeout: 4295 } },
    lines: [`healthCheck.checktimeout = 4295: is more than the 4294 seconds that keepalived takes. ${OTHER}`],
  },
  {
    name: "HEAD",
    raw: { director, healthCheck: { httpmethod: "HEAD" } },
    lines: [`healthCheck.httpmethod = "HEAD": is not what keepalived sends: it asks by GET. ${OTHER}`],
  },
  {
    name: "a certificate that is to be verified",
    raw: {
      director,
      services: [{ name: "tls", port: 443, healthCheck: { service: "https", verify: true } }],
    },
    lines: [
      `services[0].healthCheck.verify = true: has no effect: keepalived looks at no certificate. ${OTHER}`,
    ],
  },
  {
    name: "a page of another host",
    raw: { director, healthCheck: { request: "http://www.example.com/" } },
    lines: [
      `healthCheck.request = "http://www.example.com/": names another host, which keepalived does not ask. ${OTHER}`,
    ],
  },
  {
    name: "quiescent beside a sorry server",
    raw: { director, quiescent: true },
    lines: [
      `quiescent = true: is undone by keepalived when the last real server of main dies: it takes all of them out for the sorry server. ${OTHER}`,
    ],
  },
  {
    name: "options of ldirectord",
    raw: {
      director,
      ldirectord: { callback: "/usr/local/bin/x", fork: true },
      services: [{ name: "main", ldirectord: { comment: "x" } }],
    },
    lines: [
      `ldirectord.callback = "/usr/local/bin/x": is an option of ldirectord, which does not run. ${OTHER}`,
      `services[0].ldirectord.comment = "x": is an option of ldirectord, which does not run. ${OTHER}`,
    ],
  },
]);
