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

const times = {
  checktimeout: seconds,
  negotiatetimeout: seconds,
  checkinterval: seconds,
  failurecount: fc.integer({ min: 1, max: 10 }),
};
/** What is asked and what must be answered: ldirectord takes the two only together. */
const dialogue = fc.option(fc.record({ request: text, receive: text }), { nil: {} });
const both = <A, B>(one: fc.Arbitrary<A>, other: fc.Arbitrary<B>): fc.Arbitrary<A & B> =>
  fc.tuple(one, other).map(([a, b]) => ({ ...a, ...b }));
const negotiated = {
  ...times,
  checktype: fc.constantFrom<unknown>("negotiate", 1, 7),
  service: fc.constantFrom(...CHECK_SERVICES),
  checkport: fc.integer({ min: 1, max: 65535 }),
  virtualhost: fc.constantFrom("www.example.com", "10.0.0.1:80"),
  login: text,
  passwd: text,
  database: text,
  secret: text,
};
const healthCheck = fc.oneof(
  { weight: 3, arbitrary: both(some(negotiated), dialogue) },
  {
    weight: 1,
    arbitrary: some({ ...negotiated, request: text, httpmethod: fc.constantFrom("GET", "HEAD") }),
  },
  { weight: 1, arbitrary: some({ ...negotiated, verify: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: both(fc.record({ checktype: fc.constantFrom("connect", "ping", "on") }), some(times)),
  },
  {
    weight: 1,
    arbitrary: both(
      fc.record({
        checktype: fc.constantFrom("external", "external-perl"),
        checkcommand: fc.constantFrom("/bin/true", "/opt/a"),
      }),
      some(times),
    ),
  },
);
/** The director has no mail program of its own. */
const mail = fc.option(
  both(
    fc.record({
      emailalert: fc.subarray(["root@localhost.example", "a.b+c@d.example"], { minLength: 1 }),
      smtp: fc.constantFrom("mail.example.com", "127.0.0.1"),
    }),
    some({
      emailalertfreq: fc.nat(86400),
      emailalertstatus: fc.oneof(
        fc.constant(["none"]),
        fc.subarray(["all", "starting", "running", "stopping", "reloading"], { minLength: 1 }),
      ),
    }),
  ),
  { nil: {} },
);
const extras = both(
  mail,
  some({
    fallbackcommand: path,
    cleanstop: fc.boolean(),
    monitorfile: path,
    servicename: text,
    comment: text,
  }),
);
const daemon = both(
  mail,
  some({
    fallbackcommand: path,
    autoreload: fc.boolean(),
    supervised: fc.boolean(),
    fork: fc.boolean(),
    cleanstop: fc.boolean(),
    readdquiescent: fc.boolean(),
    logfile: fc.constantFrom("/var/log/x.log", "local0"),
    callback: path,
    maintenancedir: path,
    emailalertfrom: fc.constantFrom("ldirectord <root@a.example>", "a@b.example"),
  }),
);
const thresholds = fc.option(
  fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 9 }))
    .map(([lowerThreshold, upperThreshold]) => ({ lowerThreshold, upperThreshold })),
  { nil: {} },
);
const own = both(thresholds, dialogue);
const members = fc.uniqueArray(
  both(
    fc.record({
      name: fc.constantFrom("rs1", "rs2", "rs3"),
      drain: fc.constantFrom(false, false, false, true),
    }),
    own,
  ),
  { minLength: 1, maxLength: 3, selector: ({ name }) => name },
);
const persistence = both(
  fc.record({ persistent: fc.integer({ min: 1, max: 2678400 }) }),
  some({ persistenceNetmask: fc.constantFrom("255.255.255.0", "255.255.255.255") }),
);
const service = both(
  both(
    fc.option(persistence, { nil: {} }),
    some({
      port: fc.constantFrom(...PORTS),
      vip: fc.constantFrom("10.0.0.100", "10.0.0.101", "10.0.0.102"),
      quiescent: fc.boolean(),
      sorryServer: fc.constantFrom<unknown>(false, { address: "192.168.7.131" }, {}),
      realServers: fc.option(members, { nil: undefined }),
      healthCheck,
      ldirectord: extras,
    }),
  ),
  // The director's own page is none for UDP.
  fc.oneof(
    some({ protocol: fc.constant("tcp") }),
    both(
      fc.record({ protocol: fc.constant("udp"), sorryServer: fc.constant(false) }),
      some({ ops: fc.boolean() }),
    ),
  ),
);
const config = fc.record({
  realServers: fc.tuple(own, own, fc.constant({})),
  healthCheck: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, healthCheck),
  services: fc.array(service, { maxLength: 3 }),
  ldirectord: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, daemon),
});
/** One service, on a sound lab. */
const single = fc.record({
  realServers: fc.constant([{}, {}, {}]),
  services: service.map((each) => [each]),
});

describe("a configuration that is accepted", () => {
  it("makes a file in which ldirectord misunderstands nothing", () => {
    let accepted = 0;
    const judge = (raw: Record<string, unknown>): void => {
      const lab = labOf(raw, dev);
      if (lab === undefined) return;
      accepted++;
      expect(ldirectordProblems(ldirectordFor(lab))).toEqual([]);
    };
    fc.assert(fc.property(config, judge), { numRuns: 60 });
    fc.assert(fc.property(single, judge), { numRuns: 120 });
    const plain = fc.record({ port: fc.constantFrom(...PORTS), protocol: fc.constantFrom("tcp", "udp") });
    fc.assert(
      fc.property(plain, (each) => judge({ services: [each] })),
      { numRuns: 40 },
    );
    expect(accepted).toBeGreaterThan(60);
  });
});
