import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../../../model/config/config";
import { guestSettings } from "../../../../model/guest/settings";
import { labNodes } from "../../../../model/lab/types";

const ROOT = join(__dirname, "../../../..");
const dev = { project: "lvs-dr", stack: "dev" };

/** A stack file's keys as Pulumi hands them to the program: without namespace, all as text. */
function stackConfig(path: string): Record<string, unknown> {
  const { config } = parse(readFileSync(join(ROOT, path), "utf8")) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.replace(/^lvs-dr:/, ""),
      typeof value === "object" ? JSON.stringify(value) : String(value),
    ]),
  );
}

describe("parseConfig", () => {
  it("makes the article's lab from nothing", () => {
    const lab = parseConfig({}, dev);
    const addresses = labNodes(lab).map((node) => [
      node.name,
      node.nics.flatMap((nic) => nic.addresses),
      node.gateway,
    ]);
    expect(addresses).toEqual([
      ["router", ["172.18.7.200/16", "192.168.7.200/24", "10.0.0.200/8"], undefined],
      ["client", ["172.18.7.70/16"], "172.18.7.200"],
      ["director", ["192.168.7.30/24"], "192.168.7.200"],
      ["rs1", ["192.168.7.10/24"], "192.168.7.200"],
      ["rs2", ["192.168.7.20/24"], "192.168.7.200"],
    ]);
    expect(lab.services).toEqual([
      {
        name: "main",
        vip: "10.0.0.100",
        port: 80,
        protocol: "tcp",
        scheduler: "wrr",
        schedulerFlags: [],
        ops: false,
        quiescent: false,
        realServers: [
          { name: "rs1", address: "192.168.7.10", port: 80, weight: 1, drain: false },
          { name: "rs2", address: "192.168.7.20", port: 80, weight: 3, drain: false },
        ],
        sorry: { address: "127.0.0.1", port: 80 },
        check: {
          checktype: "negotiate",
          service: "http",
          checkport: 80,
          request: "test.html",
          receive: "test",
          checktimeout: 3,
          negotiatetimeout: 3,
          checkinterval: 1,
          failurecount: 1,
        },
        extras: {},
      },
    ]);
    expect(lab).toMatchObject({
      mode: "ldirectord",
      arpStrategy: "sysctl",
      accelerator: "auto",
      prefix: "lvs-dr-dev",
    });
    expect(labNodes(lab).map((node) => [node.memoryMiB, node.vcpus])).toEqual(Array(5).fill([384, 1]));
  });

  it("reads the article's lab written out in Pulumi.dev.yaml as the same one", () => {
    expect(parseConfig(stackConfig("Pulumi.dev.yaml"), dev)).toEqual(parseConfig({}, dev));
  });

  it("takes the defaults that Pulumi.yaml declares, which Pulumi hands over, as the same lab", () => {
    const { config } = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as {
      config: Record<string, { default: unknown }>;
    };
    const raw = Object.fromEntries(
      Object.entries(config).map(([key, { default: value }]) => [
        key,
        typeof value === "object" ? JSON.stringify(value) : String(value),
      ]),
    );
    expect(parseConfig(raw, dev)).toEqual(parseConfig({}, dev));
  });

  it("needs only three networks for a second lab", () => {
    const lab = parseConfig(
      {
        clientNetwork: { cidr: "172.19.0.0/16" },
        serverNetwork: { cidr: "192.168.107.0/24" },
        vipCidr: "11.0.0.0/8",
      },
      { project: "lvs-dr", stack: "second" },
    );
    expect(labNodes(lab).flatMap((node) => node.nics.flatMap((nic) => nic.addresses))).toEqual([
      "172.19.7.200/16",
      "192.168.107.200/24",
      "11.0.0.200/8",
      "172.19.7.70/16",
      "192.168.107.30/24",
      "192.168.107.10/24",
      "192.168.107.20/24",
    ]);
    expect(lab.services[0].vip).toBe("11.0.0.100");
  });

  it.each([
    { vipCidr: "203.0.113.8/30", vip: "203.0.113.9", router: ["203.0.113.10/30"] },
    // Of two addresses both are hosts' (RFC 3021).
    { vipCidr: "203.0.113.8/31", vip: "203.0.113.8", router: ["203.0.113.9/31"] },
    { vipCidr: "203.0.113.8/32", vip: "203.0.113.8", router: [] },
  ])("vipCidr $vipCidr has room for its VIP", ({ vipCidr, vip, router }) => {
    const lab = parseConfig({ vipCidr }, { project: "lvs-dr", stack: "dev" });
    expect(lab.services[0].vip).toBe(vip);
    expect(lab.routers[0].nics[1]?.addresses.slice(1)).toEqual(router);
  });

  it("the router is in each network of VIPs, and has a route to a VIP alone", () => {
    const vips = ["203.0.113.10/29", "203.0.113.11/29", "198.51.100.7/32", "192.168.7.50/24"];
    const services = vips.map((vip, at) => ({ name: `s${at}`, port: 80, vip: vip.split("/")[0] }));
    const lab = parseConfig({ vips, services }, { project: "lvs-dr", stack: "dev" });
    expect(lab.routers[0].nics[1]?.addresses).toEqual(["192.168.7.200/24", "10.0.0.200/8", "203.0.113.9/29"]);
    expect(lab.moreVipCidrs).toEqual(["203.0.113.8/29", "198.51.100.7/32", "192.168.7.0/24"]);
    expect(guestSettings(lab, lab.routers[0]).LVS_VIP_ROUTES).toBe("198.51.100.7/32");
  });
});

describe("default addresses of real servers", () => {
  const of = (names: readonly string[], cidr = "192.168.7.0/24"): string => {
    const raw = { serverNetwork: { cidr }, realServers: names.map((name) => ({ name })) };
    return parseConfig(raw, dev)
      .realServers.map(({ address }) => address.split(".")[3])
      .join(" ");
  };

  it("go by the number in which each name ends", () => {
    expect(of(["rs1", "rs2", "rs3", "rs64"])).toBe("10 20 31 92");
    expect(of(["web07", "rs3", "b2"])).toBe("35 31 20");
  });

  it.each([
    ["a name has none", ["a", "rs1", "rs3"]],
    ["two names have the same", ["rs1", "web01", "rs3"]],
    ["one is too high", ["rs1", "rs65", "rs3"]],
    ["one is 0", ["rs0", "rs2", "rs1"]],
  ])("go by their position where %s", (_why, names) => {
    expect(of(names)).toBe("10 20 31");
  });

  it("go by their position where the network has no room for the others' numbers", () => {
    expect(of(["rs11", "rs1"], "192.168.7.0/28").split(" ")[1]).toBe(of(["rs1"], "192.168.7.0/28"));
    expect(of(["rs12", "rs1"], "192.168.7.0/28")).toBe(of(["a", "b"], "192.168.7.0/28"));
    expect(of(["a", "b", "c"], "192.168.7.0/29").split(" ")).toHaveLength(3);
  });

  it("leave room for those that are set", () => {
    const realServers = [{ address: "192.168.7.3" }, { address: "192.168.7.4" }, {}];
    const lab = parseConfig({ serverNetwork: { cidr: "192.168.7.0/29" }, realServers }, dev);
    expect(lab.realServers[2]?.address).toBe("192.168.7.5");
  });
});

it("gives a service the director's page for a sorry server only where its clients speak HTTP, or nobody knows what they speak", () => {
  const services = [80, 3128, 8080, 443, 3306, 25, 389].map((port) => ({
    port: port === 80 ? 81 : port,
    healthCheck: { checktype: "connect", ...(port === 80 ? { service: "http" } : {}) },
  }));
  const lab = parseConfig({ services }, { project: "lvs-dr", stack: "dev" });
  expect(lab.services.filter(({ sorry }) => sorry !== undefined).map(({ port }) => port)).toEqual([
    80, 81, 3128, 8080,
  ]);
  const asked = { services: [{ port: 3306, healthCheck: { checktype: "connect" }, sorryServer: {} }] };
  expect(() => parseConfig(asked, { project: "lvs-dr", stack: "dev" })).toThrow(
    "is the director's own web server, which speaks HTTP only, and service1 is mysql",
  );
});
