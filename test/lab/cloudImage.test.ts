/**
 * The second way in: a user's own cloud image, booted from its disk, with its identity from cloud-init's NoCloud seed.
 * A stack of its own, with an image that stands in for a vendor's: built here, since no vendor's is on a package mirror.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  changes,
  configure,
  context,
  ENGINE,
  eventually,
  guest,
  inGuests,
  lab,
  outputs,
  run,
  unconfigure,
} from "./support";

const STACK = process.env.LVS_DR_TEST_CLOUD_STACK ?? "cloud";
const NODES = ["client", "router", "director", "rs1"];

let image: string;

function configureCloud(config: Readonly<Record<string, unknown>> = {}): void {
  configure(
    {
      clientNetwork: { cidr: "172.25.0.0/16" },
      serverNetwork: { cidr: "192.168.147.0/24" },
      image,
      memory: 512,
      realServerCount: 1,
      // cloud-init takes a guest without KVM a minute on an idle host.
      bootTimeout: 900,
      ...config,
    },
    STACK,
  );
}

beforeAll(async () => {
  image = (await promisify(execFile)("test/lab/cloudImage/build.sh")).stdout.trim();
});

afterAll(async () => {
  await run(["down"], STACK);
  unconfigure(STACK);
});

it("refuses an image that is not there, or is not a qcow2, before anything is touched", async () => {
  for (const [path, message] of [
    [`${image}.absent`, "nothing is there"],
    ["/etc/os-release", "is raw, and qcow2 is required"],
  ] as const) {
    configureCloud({ image: path });
    const refused = await run(["up"], STACK);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`image = "${path}"`);
    expect(refused.stderr).toContain(message);
  }
  expect((await context(STACK).virsh.run("list", "--all", "--name")).split("\n")).not.toContain(
    `lvs-dr-${STACK}-rs1`,
  );
});

it(`up with a cloud image is healthy (${ENGINE})`, { timeout: 1_800_000 }, async () => {
  configureCloud();
  const up = await lab(["up"], STACK);
  console.log(`up of four cloud-init guests with ${ENGINE}: ${up.seconds.toFixed(0)} s`);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
});

it("each guest is who the seed says", async () => {
  const { access } = await outputs(STACK);
  for (const node of NODES) {
    const seen = await guest(
      node,
      "hostname; cut -d' ' -f1,2 /etc/ssh/ssh_host_*_key.pub; cut -d: -f1 /var/lib/cloud/instance/datasource",
      STACK,
    );
    const [name, hostKey, dataSource, ...more] = seen.trim().split("\n");
    expect(name).toBe(node);
    // The pinned one, and no other.
    expect(hostKey).toBe(access?.hosts[node]?.hostKey.split(" ").slice(0, 2).join(" "));
    expect(dataSource).toBe("DataSourceNoCloud");
    expect(more).toEqual([]);
  }
});

it("no password opens a door", async () => {
  const refusals = await inGuests(
    (shell) =>
      Promise.resolve(
        NODES.map((node) => {
          const own = [
            "ControlPath=none",
            "ConnectTimeout=60",
            "PreferredAuthentications=password,keyboard-interactive",
          ];
          const options = own.flatMap((option) => ["-o", option]);
          const { status, stderr } = spawnSync(
            "scripts/lab",
            ["exec", "ssh", ...options, ...shell.sshArguments(node), "true"],
            {
              encoding: "utf8",
            },
          );
          return { status, stderr: stderr.trim() };
        }),
      ),
    STACK,
  );
  for (const { status, stderr } of refusals) {
    expect(status).toBe(255);
    expect(stderr).toMatch(/Permission denied \(publickey\)\.$/);
  }
  expect(await guest("director", "passwd -S root", STACK)).toMatch(/^root L /);
});

it("the image's own network service brings the VIP back when it configures the NIC anew", async () => {
  const { vip, nodes } = await outputs(STACK);
  const seen = "ip -4 -o addr show dev eth0";
  await guest(
    "director",
    `ip addr del ${vip}/32 dev eth0 && networkctl reload && networkctl reconfigure eth0`,
    STACK,
  );
  await guest(
    "director",
    `timeout 60 sh -c 'until ${seen} | grep -q " ${vip}/32 " && ip route | grep -q ^default; do sleep 0.2; done'`,
    STACK,
  );
  expect(await guest("director", seen, STACK)).toContain(` ${nodes?.director?.address}/24 `);
  // While it had no address its checks failed.
  await eventually(30, async () =>
    expect(await guest("client", `curl -s --max-time 10 http://${vip}/`, STACK)).toContain("<h1>rs1</h1>"),
  );
});

it("a second up changes nothing", async () => {
  const again = await lab(["up"], STACK);
  expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
});

it("an image without a package is refused by the package's name", async () => {
  await guest("director", "dpkg --purge --force-depends ldirectord nginx nginx-light 2>&1", STACK);
  configureCloud({ scheduler: "rr" });
  const refused = await run(["up"], STACK);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    "director: the image lacks 'ldirectord' (Debian package ldirectord), 'nginx' (Debian package nginx-light)",
  );
});

it("down leaves nothing", async () => {
  expect((await lab(["down"], STACK)).stderr).toContain("audit: nothing is left");
  expect(existsSync(image)).toBe(true);
});
