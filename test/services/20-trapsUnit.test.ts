/**
 * ldirectord's traps in how it checks, starts and stops, shown on the daemon itself: closed with the options and commands of the director's unit, and open with upstream's
 * defaults, so that each test can fail.
 */
import { describe, expect, it } from "vitest";
import { detectionSeconds } from "../../model/director/detection";
import { unit } from "./support/daemon";
import type { Fleet } from "./support/fleet";
import { SERVERS } from "./support/servers";
import { pause, slowness, until } from "./support/table";
import { budget, CF, CHECK, commands, fleetOf, globally, settled, text, TWO, web } from "./support/trap";

describe("trap T5: quiescent, which the man page and the code have differently", () => {
  it("is written out, for the daemon and for each service", async () => {
    const fleet = await fleetOf(TWO);
    expect(text(fleet).match(/^ *quiescent=no$/gm)).toEqual(["quiescent=no", "    quiescent=no"]);
    await settled(fleet);
    await fleet.member("web/1").process.kill();
    await fleet.member("web/1").out(budget(fleet));
  });

  it("so that yes keeps a dead server with weight 0", async () => {
    const fleet = await fleetOf({ web: web({ count: 2, service: { quiescent: true } }) });
    await settled(fleet);
    const { process: server } = fleet.member("web/1");
    await server.kill();
    await until(
      "weight 0",
      () => (budget(fleet) + 2) * slowness(),
      () => fleet.member("web/1").weight === 0,
    );
  });
});

/**
 * Waits until the daemon waits for an answer: between two checks it would hear a signal.
 * @param server as /proc/net/tcp has its address, 192.168.7.102:80 being 6607A8C0:0050
 */
async function hangingCheck(fleet: Fleet, server: string): Promise<void> {
  const established = new RegExp(`(\\S+) ${server} 01 `);
  let seen = { from: "", since: 0 };
  await until(
    "a check that hangs",
    () => 10 * slowness(),
    () => {
      const from = established.exec(fleet.box.must(["cat", "/proc/net/tcp"]))?.[1] ?? "";
      if (from !== seen.from) seen = { from, since: Date.now() };
      return from !== "" && Date.now() - seen.since > 1000;
    },
  );
}

describe("trap T11: the unit", () => {
  it("is not Debian's: the daemon stays in its foreground, ends with all its processes, and is started again", () => {
    const lines = unit().text.split("\n");
    expect(lines).toEqual(
      expect.arrayContaining(["Type=simple", "KillMode=control-group", "Restart=always", "TimeoutStopSec=5"]),
    );
  });

  it("logs a death when it happens, though nothing happens after it", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    await fleet.member("web/1").process.kill();
    await fleet.member("web/1").out(budget(fleet));
    await until(
      "the death in the log",
      () => 2 * slowness(),
      () => fleet.daemon.output.includes("Deleted real server: 192.168.7.101:80"),
    );
  });

  it("stops and starts while a check hangs: a daemon runs, and the table is the same", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    fleet.member("web/2").process.signal("SIGSTOP");
    await fleet.member("web/2").out(budget(fleet));
    await pause(1.5);
    const before = fleet.daemon.changes.length;
    // As systemd does: TERM to the whole group, KILL to what is left after TimeoutStopSec.
    const { process: first } = fleet.daemon;
    first.signal("SIGTERM");
    await Promise.race([first.ended, new Promise((resolve) => setTimeout(resolve, 5000))]);
    await first.kill();
    expect(commands(fleet, before)).toEqual([]);
    fleet.daemon.start();
    await fleet.daemon.forked(1, 30);
    fleet.member("web/2").process.signal("SIGCONT");
    await fleet.member("web/2").in(10);
    expect(commands(fleet, before)).toEqual(["-E", "-a 192.168.7.102:80"]);
  });

  it("leaves no daemon behind a successful stop and start with Debian's way (open without our unit)", async () => {
    // 30 s is upstream's limit for a check.
    const fleet = await fleetOf(
      { web: web({ count: 2, check: { ...CHECK, negotiatetimeout: 30 } }) },
      { change: globally({ supervised: false, fork: false }), daemon: "later" },
    );
    const ldirectord = (word: string): number | null =>
      fleet.box.run(["ldirectord", CF, word], { PERLIO: "perlio" }).status;
    expect(ldirectord("start")).toBe(0);
    await settled(fleet);
    fleet.member("web/2").process.signal("SIGSTOP");
    await hangingCheck(fleet, "6607A8C0:0050");
    expect([ldirectord("stop"), ldirectord("start")]).toEqual([0, 0]);
    fleet.member("web/2").process.signal("SIGCONT");
    await until(
      "no daemon",
      () => 10 * slowness(),
      () => ldirectord("status") !== 0,
    );
  });

  it("loads what https needs before the check, which a slow load would else end for good", async () => {
    const CHECK_LIMIT = 2;
    const fleet = await fleetOf(
      {
        https: {
          port: 443,
          server: SERVERS["nginx with TLS"],
          check: { ...CHECK, service: "https", verify: false, negotiatetimeout: CHECK_LIMIT },
        },
      },
      { daemon: "later" },
    );
    const module = "/usr/share/perl5/LWP/Protocol/https.pm";
    const seconds = 3 * slowness();
    fleet.box.write(module, `BEGIN { sleep ${seconds} }\n${fleet.box.must(["cat", module])}`);
    fleet.daemon.start();
    await fleet.member("https").in(30);
    // At its start it takes every server for good.
    expect(await fleet.member("https").keeps(seconds + 3 * CHECK_LIMIT)).toBe(true);
  });

  it("is not killed by a reload while it still loads", async () => {
    const fleet = await fleetOf(TWO, { daemon: "later" });
    fleet.daemon.start();
    // Perl runs, and knows of no signal yet.
    await until("the daemon's process", 10, () => fleet.daemon.process.tree().length > 0);
    expect(fleet.daemon.reload()).toBe(true);
    await fleet.daemon.forked(1, 30);
    await settled(fleet);
    // It is still the first one, and reads what it is told.
    fleet.daemon.configure(text(fleet).replace(/^ {4}real=192\.168\.7\.102:80.*\n/m, ""));
    expect(fleet.daemon.reload()).toBe(true);
    await fleet.member("web/2").out(5);
    expect(fleet.daemon.process.alive).toBe(true);
  });

  it("kill -9: the table stays, and the next daemon checks on", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    const before = fleet.daemon.changes.length;
    await fleet.daemon.process.kill();
    expect(commands(fleet, before)).toEqual([]);
    fleet.daemon.start();
    await fleet.daemon.forked(1, 30);
    expect(commands(fleet, before)).toEqual(["-E"]);
    await fleet.member("web/1").process.kill();
    await fleet.member("web/1").out(budget(fleet));
  });
});

describe("a checking process that dies alone: the next one begins with what the table says", () => {
  /** The service's own process is killed between two checks, and something happens before the next process looks. */
  async function killChecker(fleet: Fleet, meanwhile: () => Promise<void>): Promise<void> {
    const [checker] = fleet.daemon.checkers();
    if (checker === undefined) throw new Error("no checking process");
    process.kill(checker, "SIGSTOP");
    await meanwhile();
    process.kill(checker, "SIGKILL");
    const another = (): boolean => fleet.daemon.checkers().some((pid) => pid !== checker);
    await until("another checking process", () => 10 * slowness(), another);
  }

  it("a server that comes back just then is in again", async () => {
    const fleet = await fleetOf(TWO);
    await settled(fleet);
    const server = fleet.member("web/1");
    await server.process.kill();
    await server.out(budget(fleet));
    await killChecker(fleet, async () => {
      server.start();
      await pause(1);
    });
    await server.in(budget(fleet) + 3);
  });

  it("a server that was down at the start and dies again just then is out again, and the sorry server in", async () => {
    const fleet = await fleetOf({ web: web() }, { daemon: "later" });
    const server = fleet.member("web");
    await server.process.kill();
    fleet.daemon.start();
    await fleet.daemon.forked(1, 30);
    server.start();
    await server.in(10);
    await until(
      "the sorry server's leaving",
      () => 5 * slowness(),
      () => commands(fleet, 0).at(-1) === "-d 127.0.0.1:80",
    );
    const before = fleet.daemon.changes.length;
    await killChecker(fleet, () => server.process.kill());
    await server.out(detectionSeconds(server.service, 0) + 3);
    const done = (): string[] => commands(fleet, before).sort();
    await until(
      "the sorry server",
      () => 5 * slowness(),
      () => done().length > 1,
    );
    expect(done()).toEqual(["-a 127.0.0.1:80", "-d 192.168.7.101:80"]);
  });
});
