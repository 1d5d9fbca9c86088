/**
 * Machines that exist, Debian 12 and 13 that nobody here built: a director and two real servers with no guest beside them, then two of them with guests.
 * One is reached by a user with sudo, one through another. Run by name: `scripts/lab test examples existing`.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BRIDGE, Machines } from "./machines/machines";
import { changes, configure as configureStack, ENGINE, eventually, lab, run } from "./support";

const STACK = "example-existing";
const FILE = "Pulumi.example-existing.yaml";
const MIXED = "mxmixed";
const named = (process.env.LVS_DR_TEST_EXAMPLES ?? "").split(",").includes("existing");

const machines = new Machines("lvs-dr-machines", "192.168.167", "fd00:167::", [
  { name: "director", release: "bookworm", address: "192.168.167.30" },
  { name: "rs1", release: "bookworm", address: "192.168.167.10" },
  { name: "rs2", release: "trixie", address: "192.168.167.20" },
]);
const NAMES = machines.specs.map(({ name }) => name);

interface Node {
  address: string;
  ssh: Record<string, unknown>;
}
type Config = Record<"lvs-dr:director", Node> & Record<"lvs-dr:realServers", (Node & { name: string })[]>;

/** The example, with the machines' own keys in the place of those that are in it. */
function configure(change: (config: Config) => void = () => undefined): void {
  const { config } = parse(readFileSync("examples/existing.yaml", "utf8")) as { config: Config };
  const director = config["lvs-dr:director"];
  Object.assign(director.ssh, machines.login("director"));
  for (const server of config["lvs-dr:realServers"]) {
    Object.assign(server.ssh, machines.login(server.name));
    if ("jump" in server.ssh)
      server.ssh.jump = { host: director.address, user: "admin", ...machines.login("director") };
  }
  change(config);
  writeFileSync(FILE, stringify({ config }));
}

/** What grows by itself: logs, what apt and dpkg know and fetch, and systemd's random seeds and clocks. */
const GROWS =
  "/proc /sys /dev /run /tmp /var/tmp /var/log /var/cache /var/lib/apt /var/lib/dpkg /var/lib/systemd /srv/mirror /home/admin".split(
    " ",
  );

/** The file system (of /etc and all that is not the packages' own, the contents too), sysctls, packages, units, addresses and modules of IPVS. */
const STATE = `cd /
prune=( ${GROWS.map((path) => `-path ${path} -o`).join(" ")} -path /nowhere )
find / -xdev \\( "\${prune[@]}" \\) -prune -o -printf '%y %m %u %g %p %l\\n' | sort
find /etc /usr/local /var /srv /root /home /opt -xdev \\( "\${prune[@]}" \\) -prune -o -type f -print0 | xargs -0 sha256sum | sort -k2
sysctl -a 2>/dev/null | grep -Ev '^(fs\\.(dentry-state|file-nr|inode-(nr|state)|quota)|kernel\\.(ns_last_pid|pty\\.nr|random|tainted)|net\\.netfilter\\.nf_conntrack_count|kernel\\.sched_domain)' | sort
dpkg-query -W -f '\${db:Status-Abbrev} \${Package} \${Version}\\n'
apt-mark showauto
systemctl list-unit-files --no-legend | grep -Ev ' (transient|generated) ' | sort
ip -o addr | sed 's/ *valid_lft.*//'
lsmod | grep -oE '^(ip_vs|nf_)[^ ]*' | sort`;

const stateOf = async (name: string): Promise<string[]> => (await machines.run(name, STATE)).split("\n");

describe.skipIf(!named)("machines that exist", () => {
  const before = new Map<string, string[]>();

  beforeAll(async () => {
    await machines.boot();
    await eventually(300, () =>
      Promise.all(NAMES.map((name) => machines.run(name, "systemctl is-system-running --wait || true"))),
    );
    for (const name of NAMES) before.set(name, await stateOf(name));
    configure();
  }, 900_000);

  afterAll(async () => {
    for (const stack of [STACK, MIXED]) await run(["down"], stack);
    await machines.end();
    for (const stack of [STACK, MIXED]) rmSync(`Pulumi.${stack}.yaml`, { force: true });
  }, 600_000);

  const asTheyWere = async (): Promise<void> => {
    for (const name of NAMES) {
      const now = new Set(await stateOf(name));
      const was = new Set(before.get(name));
      expect({
        name,
        new: [...now].filter((line) => !was.has(line)),
        gone: [...was].filter((line) => !now.has(line)),
      }).toEqual({ name, new: [], gone: [] });
    }
  };

  it(
    "what is somebody else's is refused on all of them at once, before anything is touched",
    { timeout: 300_000 },
    async () => {
      await machines.run(
        "rs1",
        "systemd-run -q --unit=theirs perl -MIO::Socket::INET -e 'IO::Socket::INET->new(LocalPort => 80, Listen => 1, ReuseAddr => 1)->accept'",
      );
      await machines.run("rs2", "mkdir -p /etc/keepalived && touch /etc/keepalived/keepalived.conf");
      configure((config) => (config["lvs-dr:director"].ssh.hostKey = machines.login("rs2").hostKey));
      const refused = await run(["up"], STACK);
      expect(refused.code).toBe(1);
      await machines.run("rs1", "systemctl stop theirs");
      await machines.run("rs2", "rm -r /etc/keepalived");
      configure();
      expect(refused.stderr).toMatch(/director\.ssh .*cannot be asked by SSH/);
      expect(refused.stderr).toMatch(/rs1\.ssh .*port 80 is somebody else's: .*perl/);
      expect(refused.stderr).toMatch(/rs2\.ssh .*\/etc\/keepalived\/keepalived\.conf/);
      expect(refused.stderr).not.toContain("create ");
      for (const name of NAMES)
        expect(await machines.run(name, "ls /var/lib/lvs-dr 2>&1 || true")).toContain("No such file");
    },
  );

  it(`get their roles, and serve the VIP (${ENGINE})`, { timeout: 1_800_000 }, async () => {
    const up = await lab(["up"], STACK);
    console.log(`up of three machines that exist, packages included: ${up.seconds.toFixed(0)} s`);
    expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
    const again = await lab(["up"], STACK);
    console.log(`a second up: ${again.seconds.toFixed(0)} s`);
    expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("pass every check, and name what cannot be proven", { timeout: 600_000 }, async () => {
    const { code, stdout } = await run(["verify", "--json"], STACK);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] };
    expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(code).toBe(0);
    expect(checks.filter(({ status }) => status === "skip").map(({ name }) => name)).toEqual(
      expect.arrayContaining(["reach.pings", "path.requests", "diagnosis.ways", "guests.rs1.route"]),
    );
  });

  it(
    "are out and back when a web server or ldirectord dies, and when one is drained",
    { timeout: 1_200_000 },
    async () => {
      const { code, stderr } = await run(
        ["drill", "web-server-stops", "ldirectord-killed", "drain", "real-server-power-off"],
        STACK,
      );
      expect({ code, failures: stderr.match(/^ +! .*/gm) ?? [] }).toEqual({ code: 0, failures: [] });
      expect(stderr).toContain("skip real-server-power-off: it is for guests");
    },
  );

  it(
    "serve on when the connection is lost in the middle of a change, which then comes to its end",
    { timeout: 600_000 },
    async () => {
      configure((config) => Object.assign(config, { "lvs-dr:scheduler": "rr" }));
      const cut = run(["up"], STACK);
      await eventually(200, () => machines.run("director", "pgrep -f 'lvs-dr.* (apply|start)' >/dev/null"));
      await machines.run("director", "pkill -f 'sshd.*@notty' || true").catch(() => undefined);
      expect((await cut).code).toBe(1);
      const { code } = await run(["status"], STACK);
      expect([0, 3]).toContain(code);
      const up = await lab(["up"], STACK);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
    },
  );

  it("are as they were after `down`", { timeout: 1_200_000 }, async () => {
    const down = await lab(["down"], STACK);
    expect(down.stderr).toContain("audit: nothing is left");
    console.log(`down of three machines that exist: ${down.seconds.toFixed(0)} s`);
    await asTheyWere();
  });

  describe("mixed with guests", () => {
    // The director of Debian 13, as root; a real server of Debian 12, through sudo.
    const ofMachine = (name: string, login = {}) => ({
      address: machines.specs.find((each) => each.name === name)?.address,
      ssh: { ...login, ...machines.login(name) },
    });
    const mixed = (change: Record<string, unknown> = {}): void =>
      configureStack(
        {
          clientNetwork: { cidr: "172.19.40.0/24" },
          serverNetwork: { cidr: "192.168.167.0/24", bridge: BRIDGE },
          vipCidr: "192.168.167.0/24",
          director: ofMachine("rs2"),
          realServers: [
            { name: "rs1", address: "192.168.167.11" },
            { name: "rs2", weight: 3, ...ofMachine("rs1", { user: "admin" }) },
          ],
          ...change,
        },
        MIXED,
      );
    const verified = async (): Promise<string[]> => {
      const { code, stdout } = await run(["verify", "--json"], MIXED);
      const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] };
      expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
      expect(code).toBe(0);
      return checks.filter(({ status }) => status === "skip").map(({ name }) => name);
    };

    it(`get their roles beside guests on their bridge (${ENGINE})`, { timeout: 1_200_000 }, async () => {
      mixed();
      const up = await lab(["up"], MIXED);
      console.log(`up of two machines and three guests: ${up.seconds.toFixed(0)} s`);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
      expect(changes(await lab(["up"], MIXED))).toMatchObject({
        create: 0,
        update: 0,
        replace: 0,
        delete: 0,
      });
    });

    it("pass every check, the path on the wire included", { timeout: 600_000 }, async () => {
      const skipped = await verified();
      // The director has no nft, nor curl.
      expect(skipped).toEqual(
        expect.arrayContaining(["guests.director.route", "guests.rs2.route", "diagnosis.ways"]),
      );
      expect(skipped).not.toContain("path.requests");
    });

    it("are out and back, whichever of them it is", { timeout: 1_200_000 }, async () => {
      const { code, stderr } = await run(["drill", "web-server-stops", "ldirectord-killed", "drain"], MIXED);
      expect({ code, failures: stderr.match(/^ +! .*/gm) ?? [] }).toEqual({ code: 0, failures: [] });
    });

    it("serve both families, by TLS too, and keep quiet by arptables", { timeout: 900_000 }, async () => {
      mixed({
        clientNetwork: { cidr: "172.19.40.0/24", cidr6: "fd00:19:40::/64" },
        serverNetwork: { cidr: "192.168.167.0/24", cidr6: "fd00:167::/64", bridge: BRIDGE },
        vip6Cidr: "fd00:167::/64",
        services: [{ name: "https", port: 443 }],
        arpStrategy: "arptables",
      });
      const up = await lab(["up"], MIXED);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
      await verified();
    });

    it("are as they were after `down`", { timeout: 900_000 }, async () => {
      const down = await lab(["down"], MIXED);
      expect(down.stderr).toContain("audit: nothing is left");
      console.log(`down of two machines and three guests: ${down.seconds.toFixed(0)} s`);
      await asTheyWere();
    });
  });
});
