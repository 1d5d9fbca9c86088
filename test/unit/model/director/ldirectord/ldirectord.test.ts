import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { detectionSeconds } from "../../../../../model/director/detection";
import { ldirectordFor, renderLdirectord } from "../../../../../model/director/ldirectord/ldirectord";
import { tableFor } from "./ldirectordTable";

const dev = { project: "lvs-dr", stack: "dev" };

describe("ldirectordFor", () => {
  it("writes the article's file", () => {
    expect(renderLdirectord(ldirectordFor(parseConfig({ persistent: 600 }, dev)))).toBe(
      `# Written by the lab; its next change overwrites this file.
checktimeout=3
negotiatetimeout=3
checkinterval=1
failurecount=1
autoreload=no
logfile="/var/log/ldirectord.log"
supervised=yes
fork=yes
quiescent=no
readdquiescent=yes
cleanstop=no

virtual=10.0.0.100:80
    real=192.168.7.10:80 gate 1
    real=192.168.7.20:80 gate 3
    fallback=127.0.0.1:80 gate
    protocol=tcp
    scheduler=wrr
    persistent=600
    checktype=negotiate
    service=http
    checkport=80
    request="test.html"
    receive="test"
    checktimeout=3
    negotiatetimeout=3
    checkinterval=1
    failurecount=1
    quiescent=no
`,
    );
  });

  it("writes every further option of a service and a real server, each on its own line", () => {
    const lab = parseConfig(
      {
        realServers: [
          { request: "own.html", receive: "^ok$", lowerThreshold: 5, upperThreshold: 9 },
          { drain: true, weight: 3 },
        ],
        sorryServer: false,
        workloads: [{ name: "own" }],
        ldirectord: {
          fork: false,
          emailalert: ["a@b.example", "c@d.example"],
          smtp: "mail.b.example",
        },
        services: [
          {
            name: "main",
            healthCheck: { checktype: 4, virtualhost: "www.example.com", httpmethod: "GET" },
            ldirectord: {
              comment: "for the operator",
              servicename: "web",
              fallbackcommand: "/bin/true",
              cleanstop: true,
            },
          },
          {
            port: 3306,
            workload: "own",
            healthCheck: {
              checktype: "negotiate",
              login: "u",
              passwd: "p w",
              database: "d",
              request: "SELECT 1",
            },
          },
        ],
      },
      dev,
    );
    const text = renderLdirectord(ldirectordFor(lab));
    expect(text.split("\n\n").slice(1)).toEqual([
      `virtual=10.0.0.100:80
    real=192.168.7.10:80 gate 1 "own.html", "^ok$" l:5 u:9
    real=192.168.7.20:80 gate 0
    protocol=tcp
    scheduler=wrr
    checktype=4
    service=http
    checkport=80
    request="test.html"
    receive="test"
    httpmethod=GET
    virtualhost="www.example.com"
    servicename=web
    comment=for the operator
    checktimeout=3
    negotiatetimeout=3
    failurecount=1
    quiescent=yes
    cleanstop=yes
    fallbackcommand=/bin/true`,
      `virtual=10.0.0.100:3306
    real=192.168.7.10:3306 gate 1 l:5 u:9
    real=192.168.7.20:3306 gate 0
    protocol=tcp
    scheduler=wrr
    checktype=negotiate
    service=mysql
    checkport=3306
    request="SELECT 1"
    login="u"
    passwd="p w"
    database="d"
    checktimeout=3
    negotiatetimeout=3
    failurecount=1
    quiescent=yes
`,
    ]);
    expect(text).toContain("smtp=mail.b.example\n");
    expect(text).toContain("emailalert=a@b.example,c@d.example\n");
  });
});

it("asks a real server for what it has of its own where a check has the main one's service, or a service says so", () => {
  const lab = parseConfig(
    {
      realServers: [{ request: "own.html", receive: "^ok$" }, {}],
      workloads: [{ name: "own" }],
      services: [
        { port: 81, healthCheck: { service: "http" } },
        { port: 82, realServers: [{ name: "rs1", request: "82.html" }], healthCheck: { service: "http" } },
        { port: 25, workload: "own" },
        { port: 119, workload: "own", realServers: [{ name: "rs1", request: "group", receive: "^211" }] },
      ],
    },
    dev,
  );
  const real = renderLdirectord(ldirectordFor(lab)).match(/real=192\.168\.7\.10:.*/g);
  expect(real).toEqual([
    'real=192.168.7.10:80 gate 1 "own.html", "^ok$"',
    'real=192.168.7.10:81 gate 1 "own.html", "^ok$"',
    'real=192.168.7.10:82 gate 1 "82.html", "^ok$"',
    "real=192.168.7.10:25 gate 1",
    'real=192.168.7.10:119 gate 1 "group", "^211"',
  ]);
});

describe("ldirectordFor, by protocol", () => {
  const textOf = (port: number, healthCheck: Record<string, unknown>): string =>
    renderLdirectord(
      ldirectordFor(
        parseConfig(
          { workloads: [{ name: "own" }], services: [{ port, workload: "own", healthCheck }] },
          dev,
        ),
      ),
    );

  it("writes a pgsql check's database as libpq reads it, which takes what follows an empty name for the name", () => {
    const of = (database?: string): string => textOf(5432, { login: "u", request: "SELECT 1", database });
    expect(of()).toContain(`database="''"`);
    expect(of("health")).toContain('database="health"');
    expect(of("it's my db")).toContain(`database="'it\\'s my db'"`);
    expect(of("health;sslmode=require")).toContain('database="health;sslmode=require"');
    expect(textOf(3306, { login: "u", request: "SELECT 1" })).not.toContain("database");
  });

  it("has any line do where a simpletcp check says no receive: Perl takes an empty one for the last that matched", () => {
    expect(textOf(7, { service: "simpletcp", request: "PING\\n" })).toContain('    receive="(?:)"\n');
    expect(textOf(8080, { service: "http" })).not.toContain("(?:)");
  });

  it("keeps the slash that a simpletcp request begins with", () => {
    const check = { service: "simpletcp", receive: "ok" };
    expect(textOf(7, { ...check, request: "/status" })).toContain('request="//status"');
    expect(textOf(7, { ...check, request: "PING" })).toContain('request="PING"');
    expect(textOf(8080, { service: "http", request: "/status" })).toContain('request="/status"');
  });
});

describe("ldirectordFor, of services that differ in their VIP alone", () => {
  it("expects of the second a little more of nothing, of each server that has its own check too", () => {
    const lab = parseConfig(
      {
        realServers: [{}, { request: "a", receive: "b|c" }],
        healthCheck: { checktype: "negotiate" },
        services: [
          { vip: "10.0.0.101", port: 80 },
          {
            vip: "10.0.0.102",
            port: 80,
            healthCheck: { httpmethod: "HEAD" },
            realServers: [{ name: "rs1" }],
          },
          { vip: "10.0.0.101", port: 80, protocol: "udp" },
        ],
      },
      dev,
    );
    const conf = ldirectordFor(lab);
    expect(conf.virtuals.map(({ options }) => options.receive)).toEqual([
      "test",
      "(?:)test",
      "(?:)(?:)",
      "test",
    ]);
    expect(conf.virtuals.map(({ reals }) => reals[1]?.check?.receive)).toEqual([
      "b|c",
      "(?:)b|c",
      undefined,
      "b|c",
    ]);
    expect(renderLdirectord(conf)).toContain('    receive="(?:)(?:)"\n');
  });
});

describe("tableFor", () => {
  it("expands ranges and takes udp for port 53", () => {
    const [service] = tableFor({
      options: {},
      virtuals: [
        {
          target: { address: "127.0.0.100", port: 53 },
          family: 4,
          reals: [{ address: "127.0.0.10", to: "127.0.0.12", port: 53, forward: "gate", weight: 1 }],
          options: {},
        },
      ],
    });
    expect(service).toMatchObject({ protocol: "udp" });
    expect(service?.servers.map(({ address }) => address)).toEqual([
      "127.0.0.10",
      "127.0.0.11",
      "127.0.0.12",
    ]);
  });
});

describe("detectionSeconds", () => {
  it("counts interval and timeout for each failure, silent servers one after the other, and 2 s for the daemon", () => {
    const [service] = parseConfig(
      { healthCheck: { checktimeout: 2, checkinterval: 2, failurecount: 2 } },
      dev,
    ).services;
    expect([0, 1, 2].map((silent) => detectionSeconds(service, silent))).toEqual([6, 10, 14]);
  });
});
