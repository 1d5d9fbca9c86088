/** Whatever health checks and ldirectord options are accepted, the file that follows from them is sound. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ldirectordFor } from "../../../../model/director/ldirectord/ldirectord";
import { ldirectordProblems } from "../director/ldirectord/ldirectordCheck";
import { CHECK_SERVICES } from "../../../../model/director/checkServices";
import { labOf } from "./arbitraries";

/** Each known protocol's, and some of none. */
const PORTS = [
  21, 25, 53, 80, 110, 119, 143, 389, 443, 587, 636, 993, 995, 1521, 1812, 3128, 3306, 5060, 5432, 7, 8080,
];
const dev = { project: "lvs-dr", stack: "dev" };

/** Fields that are there or not. */
const some = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) =>
  fc.record(fields, { requiredKeys: [] });
const text = fc.constantFrom("a", "/b c", "SELECT 1", "^x$", "it's", "a,b", "p=1;q", "ä", "a\\b", "(?i)x|y");
const path = fc.constantFrom("/bin/true", "/opt/a b");
const seconds = fc.integer({ min: 1, max: 30 });

const healthCheck = some({
  checktype: fc.constantFrom<unknown>(
    "negotiate",
    "connect",
    "ping",
    "external",
    "external-perl",
    "on",
    1,
    7,
  ),
  service: fc.constantFrom(...CHECK_SERVICES),
  checkport: fc.integer({ min: 1, max: 65535 }),
  checkcommand: fc.constantFrom("/bin/true", "/opt/a"),
  request: text,
  receive: text,
  httpmethod: fc.constantFrom("GET", "HEAD"),
  virtualhost: fc.constantFrom("www.example.com", "10.0.0.1:80"),
  login: text,
  passwd: text,
  database: text,
  secret: text,
  verify: fc.boolean(),
  checktimeout: seconds,
  negotiatetimeout: seconds,
  checkinterval: seconds,
  failurecount: fc.integer({ min: 1, max: 10 }),
});
const alerts = {
  emailalert: fc.subarray(["root@localhost.example", "a.b+c@d.example"], { minLength: 1 }),
  emailalertfreq: fc.nat(86400),
  emailalertstatus: fc.subarray(["all", "none", "starting", "running", "stopping", "reloading"], {
    minLength: 1,
  }),
  smtp: fc.constantFrom("mail.example.com", "127.0.0.1"),
  fallbackcommand: path,
};
const extras = some({
  ...alerts,
  cleanstop: fc.boolean(),
  monitorfile: path,
  servicename: text,
  comment: text,
});
const daemon = some({
  ...alerts,
  autoreload: fc.boolean(),
  supervised: fc.boolean(),
  fork: fc.boolean(),
  cleanstop: fc.boolean(),
  readdquiescent: fc.boolean(),
  logfile: fc.constantFrom("/var/log/x.log", "local0"),
  callback: path,
  maintenancedir: path,
  emailalertfrom: fc.constantFrom("ldirectord <root@a.example>", "a@b.example"),
});
const limits = fc.integer({ min: 1, max: 9 });
const own = { request: text, receive: text, lowerThreshold: limits, upperThreshold: limits };
const members = fc.uniqueArray(
  some({ name: fc.constantFrom("rs1", "rs2", "rs3"), drain: fc.boolean(), ...own }),
  {
    minLength: 1,
    maxLength: 3,
    selector: ({ name }) => name,
  },
);
const service = some({
  port: fc.constantFrom(...PORTS),
  vip: fc.constantFrom("10.0.0.100", "10.0.0.101", "10.0.0.102"),
  protocol: fc.constantFrom("tcp", "udp"),
  ops: fc.boolean(),
  quiescent: fc.boolean(),
  persistent: fc.nat(2678400),
  persistenceNetmask: fc.constantFrom("255.255.255.0", "255.255.255.255"),
  sorryServer: fc.constantFrom<unknown>(false, { address: "192.168.7.31" }, {}),
  realServers: fc.option(members, { nil: undefined }),
  healthCheck,
  ldirectord: extras,
});
const config = fc.record({
  realServers: fc.tuple(some(own), some(own), fc.constant({})),
  healthCheck: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, healthCheck),
  services: fc.array(service, { maxLength: 3 }),
  ldirectord: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, daemon),
});
/** One service, on a sound lab: by far most of these are accepted or refused for what they are meant to be. */
const single = fc.record({ services: service.map((each) => [each]) });

describe("a configuration that is accepted", () => {
  it("makes a file in which ldirectord misunderstands nothing", () => {
    let accepted = 0;
    const judge = (raw: Record<string, unknown>): void => {
      const lab = labOf(raw, dev);
      if (lab === undefined) return;
      accepted++;
      expect(ldirectordProblems(ldirectordFor(lab))).toEqual([]);
    };
    fc.assert(fc.property(config, judge), { numRuns: 300 });
    fc.assert(fc.property(single, judge), { numRuns: 500 });
    const plain = fc.record({ port: fc.constantFrom(...PORTS), protocol: fc.constantFrom("tcp", "udp") });
    fc.assert(
      fc.property(plain, (each) => judge({ services: [each] })),
      { numRuns: 150 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
