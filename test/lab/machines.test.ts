/**
 * Machines that exist, Debian 12 and 13 that nobody here built: a director and two real servers with no guest beside them, then in other roles beside
 * guests. One is reached by a user with sudo, one through another. Run by name: `scripts/lab test examples existing`.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Machines } from "./machines/machines";
import { besideGuests, STACKS } from "./machines/mixed";
import { comparing } from "./machines/state";
import { changes, ENGINE, eventually, lab, run } from "./support";

const STACK = "example-existing";
const FILE = "Pulumi.example-existing.yaml";
const named = (process.env.LVS_DR_TEST_EXAMPLES ?? "").split(",").includes("existing");

const machines = new Machines("lvs-dr-machines", "192.168.167", "fd00:167::", "172.19.41", [
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

/** Waits on a machine until a change of it is under way. */
const CHANGING =
  "for ((SECONDS = 0; SECONDS < 200; )); do pgrep -f 'lvs-dr[^ ]* (apply|start)' >/dev/null && break; sleep 0.1; done";

/** Bash that prints what the distribution has for the network. */
const NETWORK =
  "find /etc/network /etc/systemd/network /etc/hosts /etc/resolv.conf -type f -exec sha256sum {} + 2>/dev/null | sort";

/** Runs something while the VIP is asked once a second. @returns what it came to, and each answer's status, 000 where there was none */
async function whileAsked<T>(work: () => Promise<T>): Promise<{ done: T; asked: readonly string[] }> {
  const asked: string[] = [];
  const request = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "5", "http://192.168.167.100/"];
  const asking = setInterval(() => {
    execFile("curl", request, (_, stdout) => asked.push(stdout));
  }, 1000);
  try {
    return { done: await work(), asked };
  } finally {
    clearInterval(asking);
  }
}

/** Packets of SSH between this host and a machine vanish, or do so no more. */
function silence(address: string, on: boolean): void {
  for (const [chain, machine, side] of [
    ["OUTPUT", "-d", "--dport"],
    ["INPUT", "-s", "--sport"],
  ] as const) {
    const rule = [chain, machine, address, "-p", "tcp", side, "22", "-j", "DROP"];
    execFileSync("iptables", ["-w", on ? "-I" : "-D", ...rule]);
  }
}

describe.skipIf(!named)("machines that exist", () => {
  let asTheyWere: () => Promise<void> = () => Promise.resolve();
  const networks = (): Promise<string[]> => Promise.all(NAMES.map((name) => machines.run(name, NETWORK)));
  let network: readonly string[] = [];

  beforeAll(async () => {
    await machines.boot();
    const booted = (name: string): Promise<string> =>
      eventually(600, () => machines.run(name, "systemctl is-system-running --wait || true"));
    await Promise.all(NAMES.map(booted));
    asTheyWere = await comparing(machines);
    network = await networks();
    configure();
  }, 900_000);

  afterAll(async () => {
    for (const stack of [STACK, ...STACKS]) {
      await run(["down"], stack);
      rmSync(`Pulumi.${stack}.yaml`, { force: true });
    }
    await machines.end();
  }, 600_000);

  it(
    "what is somebody else's is refused on all of them at once, before anything is touched",
    { timeout: 600_000 },
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
      await asTheyWere();
    },
  );

  it(`get their roles, and serve the VIP (${ENGINE})`, { timeout: 1_800_000 }, async () => {
    const up = await lab(["up"], STACK);
    console.log(`up of three machines that exist, packages included: ${up.seconds.toFixed(0)} s`);
    expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
    const again = await lab(["up"], STACK);
    console.log(`a second up: ${again.seconds.toFixed(0)} s`);
    expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
    // Beside it there may be a file of ours.
    for (const [at, now] of (await networks()).entries())
      expect(now.split("\n")).toEqual(expect.arrayContaining(network[at]?.split("\n") ?? []));
  });

  it("are reached as it is said: by a user with sudo, and through another machine", async () => {
    const logins = (name: string, words: string): Promise<string> =>
      machines.run(
        name,
        `journalctl -q -o cat -t sshd -t sshd-session | grep -c 'Accepted publickey for ${words} ' || true`,
      );
    expect(Number(await logins("rs1", "admin from"))).toBeGreaterThan(0);
    expect(Number(await logins("rs2", "root from 192.168.167.30"))).toBeGreaterThan(0);
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

  it("are in the report", { timeout: 120_000 }, async () => {
    const file = join(mkdtempSync(join(tmpdir(), "lvs-dr-machines-")), "report.html");
    await lab(["report", file], STACK);
    const page = readFileSync(file, "utf8");
    rmSync(dirname(file), { recursive: true });
    for (const { name, address } of machines.specs) {
      expect(page).toContain(name);
      expect(page).toContain(address);
    }
    expect(page).toContain('"status":"healthy"');
  });

  it(
    "are out and back when a web server or ldirectord dies, and when one is drained",
    { timeout: 1_200_000 },
    async () => {
      const { code, stderr } = await run(
        ["drill", "web-server-stops", "ldirectord-killed", "drain", "real-server-power-off"],
        STACK,
      );
      if (code !== 0) console.log(stderr);
      expect({ code, failures: stderr.match(/^ +! .*/gm) ?? [] }).toEqual({ code: 0, failures: [] });
      expect(stderr).toContain("skip real-server-power-off: it is for guests");
    },
  );

  it(
    "serve on when the connection is lost in the middle of a change, which then comes to its end",
    { timeout: 600_000 },
    async () => {
      configure((config) => Object.assign(config, { "lvs-dr:scheduler": "rr" }));
      const { done: cut, asked } = await whileAsked(async () => {
        const cut = run(["up"], STACK);
        await machines.run("director", `${CHANGING}; pkill -f '[s]shd.*@notty'`).catch(() => undefined);
        return cut;
      });
      expect(cut.code).toBe(1);
      expect(new Set(asked)).toEqual(new Set(["200"]));
      const { code } = await run(["status"], STACK);
      expect([0, 3]).toContain(code);
      const up = await lab(["up"], STACK);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
    },
  );

  it(
    "serve on when packets to one vanish in the middle of a change, and the next one puts it right",
    { timeout: 600_000 },
    async () => {
      configure();
      const cut = run(["up"], STACK);
      await machines.run("director", CHANGING);
      silence("192.168.167.30", true);
      const began = Date.now();
      const {
        done: { code, stderr },
        asked,
      } = await whileAsked(() => cut);
      const seconds = (Date.now() - began) / 1000;
      console.log(`up ends ${seconds.toFixed(0)} s after the packets began to vanish`);
      const status = await run(["status"], STACK);
      silence("192.168.167.30", false);
      expect(code).toBe(1);
      expect(stderr).toMatch(/director.*connection to 192\.168\.167\.30 lost/);
      expect(seconds).toBeLessThan(90);
      expect(new Set(asked)).toEqual(new Set(["200"]));
      expect(status.code).not.toBe(0);
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

  besideGuests(machines, () => asTheyWere());
});
