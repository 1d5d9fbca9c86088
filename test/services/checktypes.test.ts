/** Each check type, and answers that are wrong: what puts a real server out of the table, and what does not. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LdirectordConf } from "../../model/director/ldirectord/ldirectord";
import { ConfigError } from "../../model/config/config";
import { detectionSeconds } from "../../model/director/detection";
import { Fleet, labOf, type Entries } from "./support/fleet";
import { addAddress, removeAddress, SERVERS } from "./support/servers";

const WEB = { service: "http", request: "test.html", receive: "^test$" };
const DNS = {
  service: "dns",
  checktype: "negotiate",
  request: "www.example.com",
  receive: "^192\\.0\\.2\\.1$",
};
/** Connects for each negotiate check. */
const N = 4;

const ENTRIES = {
  page: { port: 80, check: WEB, server: SERVERS.nginx },
  head: { port: 80, check: { ...WEB, httpmethod: "HEAD", receive: undefined }, server: SERVERS.nginx },
  name: { port: 53, protocol: "udp", check: DNS, server: SERVERS.dnsmasq },
  ping: { port: 80, check: { checktype: "ping" } },
  connect: { port: 80, check: { checktype: "connect" }, server: SERVERS.nginx },
  combined: { port: 80, check: { ...WEB, checktype: N }, server: SERVERS.nginx },
  on: { port: 80, check: { checktype: "on" }, server: SERVERS.nginx },
  external: { port: 80, check: { checktype: "external", checkcommand: "/srv/external" } },
  // Code that dies leaves the alarm of checktimeout running: the next check must come before it goes off, or the process is gone.
  perl: {
    port: 80,
    check: { checktype: "external-perl", checkcommand: "/srv/external.pl", checktimeout: 30 },
  },
  off: { port: 80, check: { checktype: "connect" }, server: SERVERS.nginx },
} as const satisfies Entries;

/** `off`, which the lab's configuration refuses. */
function withOff(conf: LdirectordConf): LdirectordConf {
  const last = conf.virtuals.length - 1;
  const virtuals = conf.virtuals.map((block, index) =>
    index === last ? { ...block, options: { ...block.options, checktype: "off" } } : block,
  );
  return { ...conf, virtuals };
}

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.open(ENTRIES, { change: withOff, daemon: "later" });
  const { box } = fleet;
  // Told what to say by files; and it says what it was asked.
  const said =
    '[ ! -e /srv/external.hangs ] || sleep 60\necho "$@" >/srv/external.asked\n[ ! -e /srv/external.down ]\n';
  box.write("/srv/external", `#!/bin/sh\n${said}`, 0o755);
  box.write("/srv/external.pl", 'die "down" if -e "/srv/perl.dies";\nexit(-e "/srv/perl.down" ? 1 : 0);\n');
  fleet.daemon.start();
  await fleet.daemon.forked(fleet.conf.virtuals.length, 60);
}, 300_000);
afterAll(() => fleet?.close());

const put = (file: string, text = ""): void => fleet.box.write(file, text);
const remove = (file: string): void => rmSync(fleet.box.path(file));

/** Out within the budget once `hurt` is done, and in again once `heal` is. */
async function outAndIn(name: keyof typeof ENTRIES, hurt: () => void, heal: () => void): Promise<void> {
  const member = fleet.member(name);
  await member.in(10);
  hurt();
  await member.out(detectionSeconds(member.service));
  heal();
  await member.in(10);
}

describe.concurrent("a server that runs and answers wrongly is out:", () => {
  it("another page, a truncated one, status 500", async () => {
    const page = `${fleet.member("page").dir}/www/test.html`;
    await outAndIn(
      "page",
      () => put(page, "maintenance\n"),
      () => put(page, "test\n"),
    );
    await outAndIn(
      "page",
      () => put(page, "tes"),
      () => put(page, "test\n"),
    );
    const broken = `${fleet.member("page").dir}/broken`;
    await outAndIn(
      "page",
      () => put(broken),
      () => remove(broken),
    );
  });

  it("status 404 and 500 to HEAD, which has no body to look at", async () => {
    const { dir } = fleet.member("head");
    await outAndIn(
      "head",
      () => remove(`${dir}/www/test.html`),
      () => put(`${dir}/www/test.html`, "x"),
    );
    await outAndIn(
      "head",
      () => put(`${dir}/broken`),
      () => remove(`${dir}/broken`),
    );
  });

  it("dns, over UDP: another address", async () => {
    const member = fleet.member("name");
    await member.in(10);
    for (const [address, wanted] of [
      ["192.0.2.99", "out"],
      ["192.0.2.1", "in"],
    ] as const) {
      put(`${member.dir}/hosts`, `${address} www.example.com\n`);
      await member.process.kill();
      member.start();
      await member[wanted](detectionSeconds(member.service) + 3);
      // Not for the restart: it runs, and stays where it is.
      expect(member.process.alive).toBe(true);
      expect(await member.keeps(3)).toBe(true);
    }
  });
});

describe.concurrent("checktype", () => {
  it("ping: an address that does not answer is out", async () => {
    const { address } = fleet.member("ping");
    await outAndIn(
      "ping",
      () => removeAddress(fleet.box, address),
      () => addAddress(fleet.box, address),
    );
  });

  it("connect: a port that is closed is out; what is answered does not matter", async () => {
    const member = fleet.member("connect");
    await member.in(10);
    put(`${member.dir}/broken`);
    expect(await member.keeps(2 * detectionSeconds(member.service))).toBe(true);
    await member.process.kill();
    await member.out(detectionSeconds(member.service));
    member.start();
    await member.in(10);
  });

  it(`${N}: a closed port is out at once, a wrong answer at the negotiate check after ${N} connects`, async () => {
    const member = fleet.member("combined");
    await member.in(10);
    await member.process.kill();
    await member.out(detectionSeconds(member.service));
    member.start();
    await member.in(10);
    // Right after a negotiate check, so that N connects are ahead.
    const log = `${member.dir}/access.log`;
    const requests = (): number => fleet.box.read(log).split("\n").length;
    const before = requests();
    while (requests() === before) await new Promise((resolve) => setTimeout(resolve, 50));
    put(`${member.dir}/broken`);
    const took = await member.out(N * member.service.check.checkinterval + detectionSeconds(member.service));
    expect(took).toBeGreaterThan((N - 1) * member.service.check.checkinterval);
    remove(`${member.dir}/broken`);
    await member.in(10);
  });

  it("external: a program's exit status, and its silence; it is told service and server", async () => {
    const { address } = fleet.member("external");
    await outAndIn(
      "external",
      () => put("/srv/external.down"),
      () => remove("/srv/external.down"),
    );
    expect(fleet.box.read("/srv/external.asked")).toBe(
      `${fleet.member("external").service.vip} 80 ${address} 80\n`,
    );
    await outAndIn(
      "external",
      () => put("/srv/external.hangs"),
      () => remove("/srv/external.hangs"),
    );
  });

  it("external-perl: exit status and death of Perl code that runs in the daemon", async () => {
    await outAndIn(
      "perl",
      () => put("/srv/perl.dies"),
      () => remove("/srv/perl.dies"),
    );
    await outAndIn(
      "perl",
      () => put("/srv/perl.down"),
      () => remove("/srv/perl.down"),
    );
  });

  it("on: in, whatever the server does", async () => {
    const member = fleet.member("on");
    await member.in(10);
    await member.process.kill();
    expect(await member.keeps(2 * detectionSeconds(member.service))).toBe(true);
    expect(member.weight).toBe(3);
  });

  it("off: never in, whatever the server does; and the lab's configuration refuses it", async () => {
    const member = fleet.member("off");
    expect(member.process.alive).toBe(true);
    expect(await member.keeps(2 * detectionSeconds(member.service))).toBe(true);
    expect(member.weight).toBe(undefined);
    const off = { port: 80, check: { checktype: "off" } };
    expect(() => labOf({ off })).toThrow(ConfigError);
    expect(() => labOf({ off })).toThrow("puts no real server into the table");
  });
});
