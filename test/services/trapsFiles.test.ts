/** ldirectord's traps in files beside its configuration: the project's own names none of them, and whoever does gets what is shown here. */
import { describe, expect, it } from "vitest";
import { budget, CHECK, fleetOf, globally, settled, text, TWO, web } from "./support/trap";

describe("trap T7: maintenancedir", () => {
  const DIRECTORY = "/srv/maintenance";
  const SLOW = { web: web({ count: 2, check: { ...CHECK, failurecount: 6 } }) };
  const withDirectory = { change: globally({ maintenancedir: DIRECTORY }) };

  it("is not in the project's configuration, nor is a monitorfile", async () => {
    const fleet = await fleetOf(TWO, { daemon: "later" });
    expect(text(fleet)).not.toMatch(/maintenancedir|monitorfile/);
  });

  it("takes a server out at its next check, whatever failurecount says, and deletes it", async () => {
    const fleet = await fleetOf(SLOW, withDirectory);
    await settled(fleet);
    fleet.box.write(`${DIRECTORY}/192.168.7.101:80`, "");
    // Six failed checks, one a second, come later than that; weight 0 would not be out of the table.
    await fleet.member("web/1").out(3);
    fleet.box.must(["rm", `${DIRECTORY}/192.168.7.101:80`]);
    await fleet.member("web/1").in(5);
    await fleet.member("web/2").process.kill();
    expect(await fleet.member("web/2").keeps(4)).toBe(true);
    await fleet.member("web/2").out(budget(fleet));
  });

  it("asks nobody for a server's name: a resolver that is silent holds no check", async () => {
    const fleet = await fleetOf(TWO, { ...withDirectory, daemon: "later" });
    fleet.box.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:10 attempts:1\n");
    const silent = '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:53", Proto => "udp") or die; sleep';
    fleet.box.start(["perl", "-MIO::Socket::INET", "-e", silent], "/srv/resolver.out");
    fleet.daemon.start();
    await fleet.daemon.forked(1, 30);
    await settled(fleet);
    await fleet.member("web/1").process.kill();
    await fleet.member("web/1").out(budget(fleet));
  });
});

describe("a monitorfile on a full disk", () => {
  const FILE = "/srv/checks.log";

  it("logs nothing, and checks go on", async () => {
    const service = { ldirectord: { monitorfile: FILE } };
    const fleet = await fleetOf({ web: web({ count: 2, service }) });
    await settled(fleet);
    fleet.box.must(["ln", "-sfn", "/dev/full", FILE]);
    const [checker] = fleet.daemon.checkers();
    for (const name of ["web/2", "web/1"]) {
      await fleet.member(name).process.kill();
      await fleet.member(name).out(budget(fleet));
    }
    // What it has just forked is called so too, until it runs another program.
    expect(fleet.daemon.checkers()).toContain(checker);
    expect(fleet.daemon.output).toContain("Error writing to monitorfile '/srv/checks.log': No space left");
    fleet.member("web/1").start();
    await fleet.member("web/1").in(10);
  });
});
