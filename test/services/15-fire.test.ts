/**
 * What misbehaves for minutes: programs and servers that never answer, a mail server that says nothing, certificates of somebody's own.
 * One daemon checks it all, each test in services of its own: no process is left behind, no check waits, and a dead server is out in its time.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectionSeconds } from "../../model/director/detection";
import { Fleet, type Entries, type Member } from "./support/fleet";
import { dovecot } from "./support/mailServers";
import { mailSink, ownCertificate, silent } from "./support/misbehaving";
import { addAddress, nginx, postgresBy, SERVERS, slapd } from "./support/servers";
import { until } from "./support/table";

const WEB = { service: "http", request: "test.html", receive: "test" };
const TLS = { ...WEB, service: "https" };
const LDAP = { service: "ldaps", request: "dc=example,dc=com", receive: "dc=example" };
const MAIL = { login: "check", passwd: "secret" };
const SQL = { login: "check", request: "SELECT 1" };
const NAME = "www.example.com";
const OWN = ownCertificate(NAME);
const CA = { ca: OWN.ca };
const MAIL_SERVER = "192.168.7.250";
const EXTERNAL = { checktype: "external", checkcommand: "/srv/check", checktimeout: 2 };
/** Seconds for which each of these goes wrong. */
const LONG = 100;

const alerts = { emailalert: ["a@example.com", "nobody@example.com"], smtp: MAIL_SERVER };
const SILENT = {
  external: { port: 80, check: EXTERNAL, count: 3 },
  stubborn: { port: 81, check: { ...EXTERNAL, checkcommand: "/srv/stubborn" } },
  pop: { port: 110, check: { service: "pop", ...MAIL }, server: silent() },
  imap: { port: 143, check: { service: "imap", ...MAIL }, server: silent("* OK ready\r\n") },
  pgsql: { port: 5432, check: { service: "pgsql", ...SQL }, server: silent() },
  mysql: { port: 3306, check: { service: "mysql", ...SQL }, server: silent() },
  nntp: { port: 119, check: { service: "nntp" }, server: silent() },
  ldap: { port: 389, check: { service: "ldap", request: "dc=example" }, server: silent() },
  // The page's first part has what is looked for; the rest never comes.
  part: {
    port: 8080,
    check: WEB,
    server: silent("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ntest\n"),
  },
} satisfies Entries;
const UP = {
  "simpletcp without receive": {
    port: 6379,
    check: { service: "simpletcp", checktype: "negotiate", request: "PING\\n" },
    server: SERVERS.redis,
  },
  "mysql without database": {
    port: 3307,
    check: { service: "mysql", checktype: "negotiate", ...SQL, passwd: "pass;word" },
    server: SERVERS.mariadb,
  },
  "pgsql without database": {
    port: 5433,
    check: { service: "pgsql", checktype: "negotiate", ...SQL, login: "postgres" },
    server: postgresBy("trust"),
  },
  "https, any certificate": { port: 444, check: { ...TLS, verify: false }, server: nginx(true, OWN) },
  "https, a CA": { port: 445, check: { ...TLS, ...CA }, server: nginx(true, OWN) },
  "https, a name in the handshake": {
    port: 446,
    check: { ...TLS, ...CA, virtualhost: NAME },
    server: nginx(true, OWN, NAME),
  },
  "pops, a CA": { port: 995, check: { service: "pops", ...MAIL, ...CA }, server: dovecot("pop3", true, OWN) },
  "imaps, a CA": { port: 993, check: { service: "imaps", ...CA }, server: dovecot("imap", true, OWN) },
  "ldaps, a CA": { port: 636, check: { ...LDAP, verify: true, ...CA }, server: slapd("ldaps", OWN) },
  "ldaps, any certificate": { port: 637, check: LDAP, server: slapd("ldaps", OWN) },
} satisfies Entries;
const NEVER_UP = {
  "https, an issuer that nobody knows": { port: 443, check: TLS, server: nginx(true, OWN) },
  "imaps, an issuer that nobody knows": {
    port: 994,
    check: { service: "imaps", checktype: "negotiate" },
    server: dovecot("imap", true, OWN),
  },
  "ldaps that is verified, an issuer that nobody knows": {
    port: 638,
    check: { ...LDAP, verify: true },
    server: slapd("ldaps", OWN),
  },
} satisfies Entries;
const ENTRIES: Entries = {
  alerted: { port: 80, count: 3, check: WEB, server: SERVERS.nginx, service: { ldirectord: alerts } },
  fallback: {
    port: 82,
    count: 2,
    check: { ...WEB, checktimeout: 2 },
    server: SERVERS.nginx,
    service: { ldirectord: { fallbackcommand: "/srv/fallback given" } },
  },
  ...SILENT,
  ...UP,
  ...NEVER_UP,
};

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.open(ENTRIES, { daemon: "later" });
  const { box } = fleet;
  addAddress(box, MAIL_SERVER);
  const { command } = silent()({ address: MAIL_SERVER, port: 25, dir: "/srv" });
  mailServer = box.start(command, "/srv/mail.out");
  const program = (name: string, text: string): void =>
    box.write(`/srv/${name}`, `#!/bin/sh\n${text}`, 0o755);
  // Down, or hanging with a child of its own, where a file says so for the server's address.
  program("check", '[ ! -e "/srv/hangs.$3" ] || { sleep 1000; }\n[ ! -e "/srv/down.$3" ]\n');
  program("stubborn", 'trap "" TERM\necho asked >>/srv/stubborn.out\nwhile :; do sleep 1000; done\n');
  program("fallback", 'echo "$@" >>/srv/fallback.out\nsleep 1000\n');
  fleet.daemon.start();
  await fleet.daemon.forked(fleet.conf.virtuals.length, 120);
}, 600_000);
afterAll(() => fleet?.close());
let mailServer: ReturnType<Fleet["box"]["start"]>;

const seconds = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time * 1000));
const lines = (file: string): string[] => fleet.box.read(file).split("\n").filter(Boolean);

/** The daemon's processes: state and number of each. */
function processes(): { pid: number; zombie: boolean }[] {
  return fleet.daemon.process.tree().flatMap((pid) => {
    try {
      return [{ pid, zombie: /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) }];
    } catch {
      return [];
    }
  });
}

describe.concurrent("what never answers", () => {
  it("leaves no zombie and no pile of processes, and is asked again and again", async () => {
    for (const index of [2, 3]) {
      await fleet.member(`external/${index}`).in(60);
      fleet.box.write(`/srv/hangs.${fleet.member(`external/${index}`).address}`, "");
    }
    const one = fleet.member("external/1");
    await one.in(10);
    await Promise.all(
      [2, 3].map((index) => fleet.member(`external/${index}`).out(detectionSeconds(one.service, 2))),
    );
    const asked = (name: string): number => lines(`${fleet.member(name).dir}/output`).length;
    const names = Object.keys(SILENT).filter((name) => !["external", "stubborn"].includes(name));
    const before = names.map(asked);
    const stubborn = lines("/srv/stubborn.out").length;
    const seen = new Map<number, number>();
    let most = 0;
    for (let second = 0; second < LONG; second += 4) {
      await seconds(4);
      const all = processes();
      most = Math.max(most, all.length);
      for (const { pid, zombie } of all) if (zombie) seen.set(pid, (seen.get(pid) ?? 0) + 1);
    }
    // One that has just ended may be seen once.
    expect([...seen.values()].filter((times) => times > 1)).toEqual([]);
    // The daemon, a process for each service, and for each of those a check with a program and its child.
    expect(most).toBeLessThanOrEqual(1 + 4 * fleet.conf.virtuals.length);
    const rounds = LONG / (1 + 3 + 1) / 3;
    names.forEach((name, index) =>
      expect([name, asked(name) - (before[index] ?? 0) > rounds]).toEqual([name, true]),
    );
    expect(lines("/srv/stubborn.out").length - stubborn).toBeGreaterThan(rounds);
    expect(fleet.daemon.output).not.toContain("fork failed");
    // And a server that dies now is out in time, and in again.
    fleet.box.write(`/srv/down.${one.address}`, "");
    await one.out(detectionSeconds(one.service, 3));
    fleet.box.must(["rm", `/srv/down.${one.address}`, `/srv/hangs.${fleet.member("external/2").address}`]);
    await one.in(detectionSeconds(one.service, 3));
    await fleet.member("external/2").in(10);
    for (const name of Object.keys(SILENT).filter((each) => each !== "external")) {
      expect([name, fleet.member(name).weight]).toEqual([name, undefined]);
    }
  });

  it("fallbackcommand: its time is checktimeout, and servers come back", async () => {
    const [one, two] = [fleet.member("fallback/1"), fleet.member("fallback/2")] as const;
    await Promise.all([one.in(60), two.in(60)]);
    const target = `${one.service.vip}:82 tcp`;
    await Promise.all([one.process.kill(), two.process.kill()]);
    await Promise.all([one.out(detectionSeconds(one.service, 0)), two.out(detectionSeconds(two.service, 0))]);
    await until("its start", 10, () => lines("/srv/fallback.out").at(-1) === `given start ${target}`);
    one.start();
    await one.in(3 + one.service.check.checktimeout);
    await until("its stop", 10, () => lines("/srv/fallback.out").at(-1) === `given stop ${target}`);
    two.start();
    await two.in(3 + one.service.check.checktimeout);
  });

  it("the mail server: each death is found in its time, and told to everybody when it takes mail again", async () => {
    const members = [1, 2, 3].map((index) => fleet.member(`alerted/${index}`));
    for (const member of members) await member.in(60);
    for (const member of members) {
      await member.process.kill();
      await member.out(detectionSeconds(member.service, 0));
    }
    const waiting = (): string[] =>
      fleet.box.run(["sh", "-c", "ls /var/spool/lvs-dr/*.mail"]).stdout.split("\n").filter(Boolean);
    // What the daemon's start had to tell waits as well.
    const dead = (): number =>
      waiting().filter((file) => fleet.box.read(file).includes("Subject: Deleted real server")).length;
    await until("an alert to each", 10, () => dead() >= 6);
    const sender = fleet.box.start(
      ["perl", "/usr/local/lib/lvs-dr/alerts.pl", "/var/spool/lvs-dr", "1"],
      "/srv/alerts.out",
    );
    await mailServer.kill();
    fleet.box.start(mailSink(MAIL_SERVER), "/srv/sink.out");
    // One conversation with the silent server may be under way.
    await sender.ended;
    expect(waiting()).toEqual([]);
    const told = lines("/srv/sink.out");
    expect(told.filter((line) => line === "RCPT TO:<a@example.com>").length).toBeGreaterThanOrEqual(3);
    for (const { address } of members)
      expect(told).toContain(`| Subject: Deleted real server: ${address}:80 (10.0.1.1:80)`);
    // Refused for good.
    expect(
      lines("/srv/alerts.out").filter((line) => line.includes("550 nobody; given up")).length,
    ).toBeGreaterThanOrEqual(3);
    expect(told.filter((line) => line.startsWith("| To: nobody"))).toEqual([]);
  });
});

const untilIn = (member: Member): Promise<number> => member.in(60);
describe.concurrent("is in, and out when it dies:", () => {
  it.each(Object.keys(UP))("%s", async (name) => {
    const member = fleet.member(name);
    await untilIn(member);
    await member.process.kill();
    await member.out(detectionSeconds(member.service, 0));
  });
});

it.each(Object.keys(NEVER_UP))("never in: %s", (name) => {
  expect(fleet.member(name).process.alive).toBe(true);
  expect(fleet.member(name).weight).toBe(undefined);
});

it("ldirectord has run all the while", () => expect(fleet.daemon.process.alive).toBe(true));
