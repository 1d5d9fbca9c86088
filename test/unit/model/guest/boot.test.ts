import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import {
  cloudInitSeed,
  imageSeed,
  kernelCmdline,
  seedLines,
  type SeedFile,
} from "../../../../model/guest/boot";

const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });
const identity = {
  hostKey: { privateKey: "PRIVATE\nKEY\n", publicKey: "ssh-ed25519 AAAAHOST rs1" },
  authorizedKey: "ssh-ed25519 AAAAUSER lab",
};

/** The console in a file, which needs no getty; a panic ends in a reboot. */
const CONSOLE = "console=ttyS0 systemd.getty_auto=no panic=5";

describe("kernelCmdline", () => {
  const line = (cidr: string, gateway?: string) =>
    kernelCmdline(
      "quiet",
      {
        ...lab.clients[0],
        ...(gateway && { gateway }),
        nics: [{ device: "eth0", mac: "52:54:00:00:00:01", addresses: [cidr] }],
      },
      false,
    );

  it.each([
    ["172.18.7.70/16", "172.18.7.200", "ip=172.18.7.70::172.18.7.200:255.255.0.0:client:eth0:off"],
    ["192.168.7.10/24", "192.168.7.200", "ip=192.168.7.10::192.168.7.200:255.255.255.0:client:eth0:off"],
    ["10.0.0.1/8", "10.0.0.2", "ip=10.0.0.1::10.0.0.2:255.0.0.0:client:eth0:off"],
    ["10.1.2.3/21", "10.1.2.4", "ip=10.1.2.3::10.1.2.4:255.255.248.0:client:eth0:off"],
    ["10.1.2.3/30", "10.1.2.4", "ip=10.1.2.3::10.1.2.4:255.255.255.252:client:eth0:off"],
    ["10.1.2.3/32", "10.1.2.4", "ip=10.1.2.3::10.1.2.4:255.255.255.255:client:eth0:off"],
    ["10.1.2.3/0", "10.1.2.4", "ip=10.1.2.3::10.1.2.4:0.0.0.0:client:eth0:off"],
  ])("writes %s by way of %s", (cidr, gateway, expected) => {
    expect(line(cidr, gateway)).toBe(`quiet ${CONSOLE} systemd.hostname=client ${expected}`);
  });

  it("gives a gateway once, with the first address of the first NIC", () => {
    expect(kernelCmdline("a b", { ...lab.routers[0], gateway: "172.18.0.1" }, true)).toBe(
      `a b ${CONSOLE} clocksource=hpet no_timer_check systemd.hostname=router ip=172.18.7.200::172.18.0.1:255.255.0.0:router:eth0:off` +
        " ip=192.168.7.200:::255.255.255.0:router:eth1:off ip=10.0.0.200:::255.0.0.0:router:eth1:off",
    );
  });

  it("never has the VIP, and stays within the kernel's 2048 characters", () => {
    const {
      clients: [client],
      routers: [router],
      directors: [director],
      realServers,
    } = lab;
    for (const node of [client, router, director, ...realServers]) {
      expect(kernelCmdline("x".repeat(1000), node, true)).not.toContain("10.0.0.100");
      expect(kernelCmdline("x".repeat(1000), node, true).length).toBeLessThan(2048);
    }
  });
});

it("imageSeed hands over the host key and the one key that may log in", () => {
  expect(imageSeed(identity)).toEqual([
    { path: "etc/ssh/ssh_host_ed25519_key", mode: "0600", content: "PRIVATE\nKEY\n" },
    { path: "etc/ssh/ssh_host_ed25519_key.pub", mode: "0644", content: "ssh-ed25519 AAAAHOST rs1\n" },
    { path: "root/.ssh/authorized_keys", mode: "0600", content: "ssh-ed25519 AAAAUSER lab\n" },
  ]);
});

describe("cloudInitSeed", () => {
  const files = (seed: readonly SeedFile[]) =>
    Object.fromEntries(seed.map(({ path, content }) => [path, parse(content) as Record<string, unknown>]));
  const instance = (seed: readonly SeedFile[]) => files(seed)["meta-data"]?.["instance-id"];
  const router = cloudInitSeed(lab.routers[0], identity);

  it("is the three files of a NoCloud source, for root's eyes only", () => {
    expect(router.map(({ path, mode }) => [path, mode])).toEqual([
      ["meta-data", "0600"],
      ["user-data", "0600"],
      ["network-config", "0600"],
    ]);
    expect(router[1]?.content).toMatch(/^#cloud-config\n/);
  });

  it("pins the host key, lets one key in as root, and no password", () => {
    const userData = files(router)["user-data"];
    expect(userData).toMatchObject({
      hostname: "router",
      disable_root: false,
      ssh_deletekeys: true,
      ssh_keys: { ed25519_private: "PRIVATE\nKEY\n", ed25519_public: "ssh-ed25519 AAAAHOST rs1" },
      users: [{ name: "root", lock_passwd: true, ssh_authorized_keys: ["ssh-ed25519 AAAAUSER lab"] }],
    });
    expect(JSON.stringify(userData)).toContain("PasswordAuthentication no");
  });

  it("names NICs by their MACs and gives each its addresses", () => {
    const { nics } = lab.routers[0];
    expect(files(router)["network-config"]).toEqual({
      version: 2,
      ethernets: {
        eth0: {
          match: { macaddress: nics[0]?.mac },
          "set-name": "eth0",
          addresses: ["172.18.7.200/16"],
        },
        eth1: {
          match: { macaddress: nics[1]?.mac },
          "set-name": "eth1",
          addresses: ["192.168.7.200/24", "10.0.0.200/8"],
        },
      },
    });
    expect(files(cloudInitSeed(lab.clients[0], identity))["network-config"]).toMatchObject({
      ethernets: { eth0: { routes: [{ to: "0.0.0.0/0", via: "172.18.7.200" }] } },
    });
  });

  it("is another instance for another identity or address, and the same for the same", () => {
    const again = cloudInitSeed(lab.routers[0], identity);
    const otherKey = cloudInitSeed(lab.routers[0], {
      ...identity,
      authorizedKey: "ssh-ed25519 AAAAOTHER lab",
    });
    const otherNode = cloudInitSeed(lab.clients[0], identity);
    expect(instance(again)).toBe(instance(router));
    expect(new Set([router, otherKey, otherNode].map(instance)).size).toBe(3);
  });
});

it("seedLines keeps any content on one line a file", () => {
  const content = "a\n'b' \\ ü\0\n";
  expect(seedLines([])).toBe("");
  expect(
    seedLines([
      { path: "x/y", mode: "0600", content },
      { path: "z", mode: "0644", content: "" },
    ]),
  ).toBe(`0600 x/y ${Buffer.from(content).toString("base64")}\n0644 z \n`);
});
