/** Labs of both families: where nodes and services are, and what cannot be. */
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { ldirectordFor, renderLdirectord } from "../../../../model/director/ldirectord/ldirectord";
import { ipvsRestoreRules } from "../../../../model/director/ipvs/table";
import { renderMarks } from "../../../../model/director/ipvs/marks";
import { kernelCmdline } from "../../../../model/guest/boot";
import { guestSettings } from "../../../../model/guest/settings";
import { labNodes, type Lab } from "../../../../model/lab/types";
import { expectRefusals } from "./refusals";

const SIX = {
  clientNetwork: { cidr6: "fd00:18::/64" },
  serverNetwork: { cidr6: "fd00:7::/64" },
  vip6Cidr: "fd00:10::/64",
};
const labOf = (raw: object = {}): Lab => parseConfig({ ...SIX, ...raw }, { project: "lvs-dr", stack: "dev" });
const node = (lab: Lab, name: string) => labNodes(lab).find((each) => each.name === name);

describe("a lab of both families", () => {
  it("puts the router into each network of VIPs", () => {
    const vips = [
      ...["2001:db8:2::10/64", "2001:db8:2::11/64", "203.0.113.10/29", "fd00:7::50/64"],
      ...["2001:db8:3::7/128", "2001:db8:4::1/126"],
    ];
    const services = vips.map((vip, at) => ({ name: `s${at}`, port: 80, vip: vip.split("/")[0] }));
    const lab = labOf({ vips, services });
    expect(lab.routers[0].nics[1]?.addresses.slice(2)).toEqual([
      "203.0.113.9/29",
      "fd00:7::200/64",
      "fd00:10::200/64",
      "2001:db8:2::200/64",
      "2001:db8:4::2/126",
    ]);
    expect(lab.moreVipCidrs).toEqual([
      ...["203.0.113.8/29", "2001:db8:2::/64", "fd00:7::/64", "2001:db8:3::7/128", "2001:db8:4::/126"],
    ]);
    expect(guestSettings(lab, lab.routers[0]).LVS_VIP_ROUTES).toBe("2001:db8:3::7/128");
    expect(lab.services.find(({ name }) => name === "s1")?.realServers.map(({ address }) => address)).toEqual(
      ["fd00:7::10", "fd00:7::20"],
    );
  });

  it("takes the last octet of a VIP that is alone in its network", () => {
    const lab = labOf({ vipCidr: "198.51.100.7/32" });
    expect(lab.services.map(({ vip }) => vip)).toEqual(["198.51.100.7", "fd00:10::7"]);
    expect(lab.routers[0].nics[1]?.addresses.slice(1)).toEqual(["fd00:7::200/64", "fd00:10::200/64"]);
  });

  it("has the router's address among the VIPs stay where a further network comes", () => {
    const vips = ["203.0.113.10/29"];
    const services = [{ name: "a", vip: "203.0.113.10", port: 80 }];
    for (const vipCidr of ["192.168.7.0/24", "198.51.100.7/32"])
      expect(labOf({ vipCidr, vips, services }).routers[0].nics[1]?.addresses).toContain("fd00:10::200/64");
  });

  it("has the router give way to VIPs of networks in which its address cannot be chosen", () => {
    const vips = ["2001:db8:2::200/64", "203.0.113.200/24"];
    const services = vips.map((vip, at) => ({ name: `s${at}`, port: 80, vip: vip.split("/")[0] }));
    const addresses = labOf({ vips, services }).routers[0].nics[1]?.addresses;
    expect(addresses).toEqual(expect.arrayContaining(["2001:db8:2::201/64", "203.0.113.201/24"]));
  });

  it("gives each node the host part of its IPv4 address, digit for digit", () => {
    const lab = labOf();
    expect(labNodes(lab).map(({ name, address6, gateway6 }) => [name, address6, gateway6])).toEqual([
      ["router", "fd00:7::200", undefined],
      ["client", "fd00:18::7:70", "fd00:18::7:200"],
      ["director", "fd00:7::30", "fd00:7::200"],
      ["rs1", "fd00:7::10", "fd00:7::200"],
      ["rs2", "fd00:7::20", "fd00:7::200"],
    ]);
    expect(node(lab, "router")?.nics.map(({ addresses }) => addresses)).toEqual([
      ["172.18.7.200/16", "fd00:18::7:200/64"],
      ["192.168.7.200/24", "10.0.0.200/8", "fd00:7::200/64", "fd00:10::200/64"],
    ]);
  });

  it("takes addresses as they are given", () => {
    const lab = labOf({
      client: { address6: "fd00:18::c" },
      router: { serverAddress6: "fd00:7::1" },
      realServers: [{ name: "rs1", address6: "fd00:7::a" }],
      vip6: "fd00:10::80",
    });
    expect(node(lab, "client")?.address6).toBe("fd00:18::c");
    expect(node(lab, "rs1")).toMatchObject({ address6: "fd00:7::a", gateway6: "fd00:7::1" });
    expect(lab.services.map(({ vip }) => vip)).toEqual(["10.0.0.100", "fd00:10::80"]);
  });

  it("serves each service that names no VIP at both, and one that does there alone", () => {
    const lab = labOf({
      services: [
        { name: "alt", port: 8080 },
        { name: "four", port: 8081, vip: "10.0.0.101" },
        { name: "six", port: 8082, vip: "fd00:10::101" },
      ],
    });
    expect(lab.services.map(({ name, vip, port }) => [name, vip, port])).toEqual([
      ["main", "10.0.0.100", 80],
      ["alt", "10.0.0.100", 8080],
      ["four", "10.0.0.101", 8081],
      ["six", "fd00:10::101", 8082],
      ["main-v6", "fd00:10::100", 80],
      ["alt-v6", "fd00:10::100", 8080],
    ]);
    expect(lab.services[3]?.realServers.map(({ address }) => address)).toEqual(["fd00:7::10", "fd00:7::20"]);
  });

  it("has the table of both, as ipvsadm prints it", () => {
    const lab = labOf({ persistent: 60, persistenceNetmask: "255.255.255.0", persistencePrefix6: 64 });
    expect(ipvsRestoreRules(lab)).toEqual([
      "-A -t 10.0.0.100:80 -s wrr -p 60 -M 255.255.255.0",
      "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1",
      "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -g -w 3",
      "-A -t [fd00:10::100]:80 -s wrr -p 60 -M 64",
      "-a -t [fd00:10::100]:80 -r [fd00:7::10]:80 -g -w 1",
      "-a -t [fd00:10::100]:80 -r [fd00:7::20]:80 -g -w 3",
    ]);
    // Every client for itself is not printed.
    expect(ipvsRestoreRules(labOf({ persistent: 60 }))).toContain("-A -t [fd00:10::100]:80 -s wrr -p 60");
  });

  it("marks a group's packets of each family, for two services by one mark", () => {
    const lab = labOf({ services: [{ name: "main", ports: [80, 8080], persistent: 60 }] });
    expect(ipvsRestoreRules(lab).filter((line) => line.startsWith("-A"))).toEqual([
      "-A -f 80 -s wrr -p 60",
      "-A -f 80 -6 -s wrr -p 60",
    ]);
    expect(renderMarks(lab)).toContain("ip6 daddr fd00:10::100 tcp dport { 80, 8080 } meta mark set 80");
    expect(renderLdirectord(ldirectordFor(lab))).toContain(
      "virtual6=80\n    real6=[fd00:7::10] gate 1\n    real6=[fd00:7::20] gate 3\n    fallback6=[::1]:0 gate\n",
    );
  });

  it("has services of their own in each family by one mark", () => {
    const group = (name: string, vip: string) => ({
      name,
      vip,
      ports: [80, 8080],
      mark: 7,
      healthCheck: { checkport: 80 },
    });
    const lab = labOf({ services: [group("main", "10.0.0.100"), group("six", "fd00:10::100")] });
    expect(ipvsRestoreRules(lab).filter((line) => line.startsWith("-A"))).toEqual([
      "-A -f 7 -s wrr",
      "-A -f 7 -6 -s wrr",
    ]);
    const both = { services: [group("main", "fd00:10::100"), group("six", "fd00:10::101")] };
    expect(() => labOf(both)).toThrow("services[1].mark = 7: is main's too");
  });

  it("has a sorry server of each family: the director's own, a real server of other services, or the one that is named", () => {
    const sorry = (raw: object) => labOf(raw).services.at(-1)?.sorry?.address;
    expect(sorry({})).toBe("::1");
    expect(sorry({ sorryServer: false })).toBeUndefined();
    expect(sorry({ sorryServer: { address6: "fd00:7::99" } })).toBe("fd00:7::99");
    expect(
      sorry({
        realServerCount: 3,
        services: [
          { name: "main", realServers: [{ name: "rs1" }], sorryServer: { address: "192.168.7.31" } },
        ],
      }),
    ).toBe("fd00:7::31");
  });

  it("tells ldirectord's services of two families apart by themselves", () => {
    const receives = ldirectordFor(labOf()).virtuals.map(({ options }) => options.receive);
    expect(receives).toEqual(["test", "test"]);
  });

  it("boots with IPv4 alone, and leaves the rest to the roles", () => {
    const lab = labOf();
    const [router] = lab.routers;
    expect(kernelCmdline("", router, false)).not.toContain("fd00");
    expect(guestSettings(lab, router)).toMatchObject({
      LVS_ADDRESSES: "eth0=172.18.7.200/16 eth1=192.168.7.200/24 eth1=10.0.0.200/8",
      LVS_ADDRESSES6: "eth0=fd00:18::7:200/64 eth1=fd00:7::200/64 eth1=fd00:10::200/64",
      LVS_VIPS: "10.0.0.100/32 fd00:10::100/128",
    });
    const [server] = lab.realServers;
    if (server === undefined) throw new Error("no real server");
    expect(guestSettings(lab, server)).toMatchObject({ LVS_RIP6: "fd00:7::10", LVS_GATEWAY6: "fd00:7::200" });
  });

  it("may have the VIP among the real servers", () => {
    const lab = labOf({ vip6Cidr: "fd00:7::/64" });
    expect(lab.services[1]?.vip).toBe("fd00:7::100");
    expect(node(lab, "router")?.nics[1]?.addresses).toEqual([
      "192.168.7.200/24",
      "10.0.0.200/8",
      "fd00:7::200/64",
    ]);
  });
});

it("a lab of IPv4 alone says nothing of IPv6", () => {
  const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });
  expect(JSON.stringify(lab)).not.toMatch(/address6|gateway6|cidr6|vip6/i);
  for (const each of labNodes(lab)) expect(Object.keys(guestSettings(lab, each)).join()).not.toContain("6");
});

expectRefusals("IPv6", [
  {
    name: "a VIP without networks",
    raw: { vip6: "fd00:10::100" },
    lines: [
      'vip6 = "fd00:10::100": is of IPv6, which needs clientNetwork.cidr6 and serverNetwork.cidr6 too. Fix: set clientNetwork.cidr6 and serverNetwork.cidr6, say to a /64 in fd00::/8 each; or remove vip6.',
    ],
  },
  {
    name: "a network without the others",
    raw: { serverNetwork: { cidr6: "fd00:7::/64" } },
    lines: [
      "serverNetwork.cidr6: is of IPv6, which needs clientNetwork.cidr6 and vip6Cidr too. Fix: set clientNetwork.cidr6 and vip6Cidr, say to a /64 in fd00::/8 each; or remove serverNetwork.cidr6.",
    ],
  },
  {
    name: "a node's address in a lab without",
    raw: { director: { address6: "fd00:7::30" } },
    lines: [
      'director.address6 = "fd00:7::30": is of IPv6, which needs clientNetwork.cidr6 and serverNetwork.cidr6 and vip6Cidr too. Fix: set clientNetwork.cidr6 and serverNetwork.cidr6 and vip6Cidr, say to a /64 in fd00::/8 each; or remove director.address6.',
    ],
  },
  {
    name: "networks that overlap",
    raw: { ...SIX, clientNetwork: { cidr6: "fd00:7::/48" } },
    lines: [
      'serverNetwork.cidr6 = "fd00:7::/64": overlaps clientNetwork.cidr6 fd00:7::/48; the router could not tell the segments apart. Fix: choose networks that do not overlap for clientNetwork.cidr6 and serverNetwork.cidr6.',
    ],
  },
  {
    name: "link-local addresses, which no router forwards",
    raw: { ...SIX, serverNetwork: { cidr6: "fe80::/64" } },
    lines: [
      'serverNetwork.cidr6 = "fe80::/64": overlaps fe80::/10, which is link-local, which routers do not forward. Fix: choose a private network: one in fd00::/8.',
    ],
  },
  {
    name: "a RIP that is link-local alone",
    raw: { ...SIX, realServers: [{ address6: "fe80::10" }] },
    lines: [
      'realServers[0].address6 = "fe80::10": is outside serverNetwork.cidr6 fd00:7::/64; gate needs one segment for the director and its real servers. Fix: choose an address in fd00:7::/64.',
    ],
  },
  {
    name: "IPv4 in disguise",
    raw: { ...SIX, vip6: "::ffff:10.0.0.100" },
    lines: [
      'vip6 = "::ffff:10.0.0.100": is an IPv4 address mapped into IPv6, which no packet carries. Fix: write one such as fd00:7::10.',
    ],
  },
  {
    name: "another text of the same address",
    raw: { ...SIX, vip6: "fd00:10:0::0A" },
    lines: [
      'vip6 = "fd00:10:0::0A": is not written as RFC 5952 has it, and as all programs print it. Fix: write fd00:10::a.',
    ],
  },
  {
    name: "host bits, and a length that no segment has",
    raw: { ...SIX, vip6Cidr: "fd00:10::1/64", serverNetwork: { cidr6: "fd00:7::/127" } },
    lines: [
      'serverNetwork.cidr6 = "fd00:7::/127": /127 is not a segment\'s. Fix: choose a prefix from 16 to 96, such as /64.',
      'vip6Cidr = "fd00:10::1/64": has host bits set. Fix: write fd00:10::/64.',
    ],
  },
  {
    name: "a VIP that is a node's address",
    raw: { ...SIX, vip6Cidr: "fd00:7::/64", vip6: "fd00:7::20" },
    lines: [
      'vip6 = "fd00:7::20": is also the address of rs2 (realServers). Fix: choose a free address in vip6Cidr fd00:7::/64.',
    ],
  },
  {
    name: "a VIP that is the router's address, or of another network",
    raw: { ...SIX, vip6: "fd00:10::200", services: [{ name: "other", port: 81, vip: "fd00:11::1" }] },
    lines: [
      "services[0].vip = \"fd00:11::1\": is outside vip6Cidr fd00:10::/64; the router needs a route to the VIP. Fix: choose an address in fd00:10::/64, set vip6Cidr to the VIP's network, or add it to vips with its network's prefix.",
      'vip6 = "fd00:10::200": is the gateway address of vip6Cidr fd00:10::/64: the router has it (router.vipAddress6). Fix: choose a free address in vip6Cidr fd00:10::/64.',
    ],
  },
  {
    name: "a VIP of vips that is no host's, or alone, or written otherwise",
    raw: {
      ...SIX,
      vips: ["fd00:11::/64", "fd00:12::1/12", "fd00:13::0:1/64"],
      services: [{ name: "b", port: 80, vip: "fd00:11::" }],
    },
    lines: [
      'vips[1] = "fd00:12::1/12": /12 is no network of VIPs. Fix: choose a prefix from 16, such as /64.',
      'vips[2] = "fd00:13::0:1/64": is not written as RFC 5952 has it, and as all programs print it. Fix: write fd00:13::1/64.',
      'services[0].vip = "fd00:11::": is the network address of vips[0] fd00:11::/64. Fix: choose a free address in vips[0] fd00:11::/64.',
    ],
  },
  {
    name: "a VIP of vips in a lab of IPv4 alone",
    raw: { vips: ["2001:db8:2::10/64"], services: [{ name: "a", port: 80, vip: "2001:db8:2::10" }] },
    lines: [
      'vips[0] = "2001:db8:2::10/64": is of IPv6, which needs clientNetwork.cidr6 and serverNetwork.cidr6 and vip6Cidr too. Fix: set clientNetwork.cidr6 and serverNetwork.cidr6 and vip6Cidr, say to a /64 in fd00::/8 each; or remove vips[0].',
    ],
  },
  {
    name: "one address twice",
    raw: { ...SIX, realServers: [{ address6: "fd00:7::30" }, {}] },
    lines: [
      'realServers[0].address6 = "fd00:7::30": is the address of both the director (DIP) (director.address6) and rs1; a director is no real server: it holds the VIP, and what it would forward to itself never leaves it. Fix: give rs1 an address of its own.',
    ],
  },
  {
    name: "a sorry server that no client of IPv6 reaches",
    raw: { ...SIX, sorryServer: { address: "192.168.7.99" } },
    lines: [
      "sorryServer.address6: is missing: 192.168.7.99 answers nobody who comes by IPv6. Fix: set it to the sorry server's address of IPv6, or name the VIP of the service, which is then served there alone.",
    ],
  },
  {
    name: "a sorry server outside the segment",
    raw: { ...SIX, sorryServer: { address6: "fd00:18::99" } },
    lines: [
      'sorryServer.address6 = "fd00:18::99": is outside serverNetwork.cidr6 fd00:7::/64; gate needs one segment. Fix: use ::1, the director\'s own web server, or another server in fd00:7::/64.',
    ],
  },
  {
    name: "a service at the VIP of IPv6 that main has there too",
    raw: { ...SIX, services: [{ name: "six", vip: "fd00:10::100", port: 80 }] },
    lines: [
      "services[0].port = 80: makes six the same service as main-v6, tcp [fd00:10::100]:80. Fix: choose another port, VIP or protocol; or name the VIP of main, which is then served there alone.",
    ],
  },
  {
    name: "a service whose port at the VIP of IPv6 a group has that is written before",
    raw: {
      ...SIX,
      services: [
        { name: "six", vip: "fd00:10::100", ports: [81, 82] },
        { name: "both", port: 81 },
      ],
    },
    lines: [
      "services[1].port = 81: has a port that six has too, [fd00:10::100]:81,82/tcp by mark 81. Fix: choose another port, VIP or protocol; or name the VIP of both, which is then served there alone.",
    ],
  },
  {
    name: "a mark that a service has at the VIP of IPv6 too",
    raw: {
      ...SIX,
      services: [
        { name: "both", ports: [90, 91], mark: 5 },
        { name: "six", vip: "fd00:10::101", ports: [92, 93], mark: 5 },
      ],
    },
    lines: ["services[1].mark = 5: is both-v6's too. Fix: choose another one, or leave the key out."],
  },
  {
    name: "a sorry server without an address of IPv6, of a service that is there alone",
    raw: {
      ...SIX,
      services: [{ name: "six", vip: "fd00:10::101", port: 80, sorryServer: { address: "192.168.7.99" } }],
    },
    lines: [
      "services[0].sorryServer.address6: is missing: 192.168.7.99 answers nobody who comes by IPv6, and six is at a VIP of IPv6. Fix: set it to the sorry server's address of IPv6, or sorryServer to false.",
    ],
  },
  {
    name: "a sorry server that is the VIP",
    raw: { ...SIX, vip6Cidr: "fd00:7::/64", sorryServer: { address6: "fd00:7::100" } },
    lines: [
      'sorryServer.address6 = "fd00:7::100": is a VIP, which the director has itself; its own page is at ::1. Fix: use ::1, the director\'s own web server, or another server in fd00:7::/64.',
    ],
  },
  {
    name: "persistence by a prefix, without persistence",
    raw: { ...SIX, persistencePrefix6: 64 },
    lines: [
      "persistencePrefix6 = 64: has no effect without persistence. Fix: set persistent to the seconds that a client shall stick, or remove the length.",
    ],
  },
  {
    name: "what is for the other family than that of the VIP",
    raw: {
      ...SIX,
      services: [
        { name: "six", vip: "fd00:10::101", port: 81, persistent: 60, persistenceNetmask: "255.255.255.0" },
        {
          name: "four",
          vip: "10.0.0.101",
          port: 82,
          persistent: 60,
          persistencePrefix6: 64,
          sorryServer: { address6: "fd00:7::99" },
        },
      ],
    },
    lines: [
      'services[0].persistenceNetmask = "255.255.255.0": has no effect: six is at a VIP of IPv6 alone. Fix: remove it; IPv6 has persistencePrefix6.',
      "services[1].persistencePrefix6 = 64: has no effect: four is at a VIP of IPv4 alone. Fix: remove it; IPv4 has persistenceNetmask.",
      'services[1].sorryServer.address6 = "fd00:7::99": has no effect: four is at a VIP of IPv4 alone. Fix: remove it, or the service\'s vip.',
    ],
  },
  {
    name: "a sorry server of IPv6 in a lab of IPv4 alone",
    raw: { sorryServer: { address6: "fd00:7::99" } },
    lines: [
      'sorryServer.address6 = "fd00:7::99": is of IPv6, which needs clientNetwork.cidr6 and serverNetwork.cidr6 and vip6Cidr too. Fix: set clientNetwork.cidr6 and serverNetwork.cidr6 and vip6Cidr, say to a /64 in fd00::/8 each; or remove sorryServer.address6.',
    ],
  },
  {
    name: "persistence by a prefix in a lab of IPv4 alone",
    raw: { persistent: 60, persistencePrefix6: 64 },
    lines: [
      "persistencePrefix6 = 64: has no effect: main is at a VIP of IPv4 alone. Fix: remove it; IPv4 has persistenceNetmask.",
    ],
  },
  {
    name: "the name that main has at the VIP of IPv6",
    raw: { ...SIX, services: [{ name: "main-v6", port: 81 }] },
    lines: [
      'services[0].name = "main-v6": is what main is called at the VIP of IPv6. Fix: choose another name, or name the VIP of main, which is then served there alone.',
    ],
  },
  {
    name: "checks that ldirectord makes over IPv4 alone",
    raw: {
      ...SIX,
      services: [{ name: "mail", port: 25, workload: "mail", healthCheck: { service: "smtp" } }],
      workloads: [{ name: "mail", ports: [25] }],
    },
    lines: [
      'services[0].healthCheck.service = "smtp": is checked over IPv4 alone by ldirectord, and mail is served at the VIP of IPv6 too. Fix: set checktype to connect, or name the VIP of IPv4 (services[0].vip), which it is then served at alone.',
    ],
  },
  {
    name: "a ping, which ldirectord sends over IPv4 alone",
    raw: { ...SIX, services: [{ name: "syslog", port: 514, protocol: "udp" }] },
    lines: [
      'services[0].healthCheck.checktype = "ping": is sent over IPv4 alone by ldirectord, and syslog is served at the VIP of IPv6 too. Fix: set checktype to external or on, or name the VIP of IPv4 (services[0].vip), which it is then served at alone.',
    ],
  },
]);
