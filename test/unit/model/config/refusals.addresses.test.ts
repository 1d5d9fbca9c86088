/** What is refused of addresses and networks, word for word; numbers are those of the project's list of bad inputs. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { expectRefusals } from "./refusals";

const PRIVATE = "Fix: choose a private network: one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.";

expectRefusals("addresses and networks", [
  {
    name: "1 VIP in client subnet",
    raw: { vip: "172.18.7.100" },
    lines: [
      'vip = "172.18.7.100": is in clientNetwork.cidr 172.18.0.0/16; the router would never forward it. Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "2 VIP outside its network",
    raw: { vip: "11.0.0.100" },
    lines: [
      "vip = \"11.0.0.100\": is outside vipCidr 10.0.0.0/8; the router needs a route to the VIP. Fix: choose an address in 10.0.0.0/8, set vipCidr to the VIP's network, or add it to vips with its network's prefix.",
    ],
  },
  {
    name: "a VIP of vips that no service has",
    raw: { vips: ["203.0.113.10/29"] },
    lines: [
      "vips[0] = \"203.0.113.10/29\": is no service's VIP. Fix: write it as a service's vip, or remove it.",
    ],
  },
  {
    name: "VIPs in more networks than the router's command line has room for",
    raw: {
      vips: Array.from({ length: 40 }, (_unused, at) => `203.0.${at}.10/29`),
      services: Array.from({ length: 40 }, (_unused, at) => ({ vip: `203.0.${at}.10`, port: 80 })),
    },
    lines: [
      "vips: are in too many networks: with an address in each the router's command line has 2347 characters, and its kernel reads 2047. Fix: put them into fewer networks, or write VIPs as /32, to which the router has a route.",
    ],
  },
  {
    name: "a VIP of vips alone that is among the real servers, and one for which a client on their segment would ask the router",
    raw: {
      client: { network: "server" },
      vipCidr: "192.168.7.0/24",
      vips: ["192.168.7.101/32", "198.51.100.7/32"],
      services: [
        { name: "a", vip: "192.168.7.101", port: 80 },
        { name: "b", vip: "198.51.100.7", port: 80 },
      ],
    },
    lines: [
      'vips[0] = "192.168.7.101/32": lies in serverNetwork.cidr 192.168.7.0/24 already. Fix: write 192.168.7.101/24, for a VIP in 192.168.7.0/24, or choose a network apart from it.',
      'client.network = "server": is for VIPs in serverNetwork.cidr 192.168.7.0/24; vips[0] is 192.168.7.101/32, for which the client would ask the router. Fix: choose a VIP among the real servers, or leave client.network out.',
      'client.network = "server": is for VIPs in serverNetwork.cidr 192.168.7.0/24; vips[1] is 198.51.100.7/32, for which the client would ask the router. Fix: choose a VIP among the real servers, or leave client.network out.',
    ],
  },
  {
    name: "a VIP of vips without its network",
    raw: { vips: ["203.0.113.10"] },
    lines: [
      'vips[0] = "203.0.113.10": is not an address with its network\'s prefix. Fix: write ADDRESS/PREFIX such as 203.0.113.10/29, /32 where the router has a route to the address alone, or 2001:db8:2::10/64.',
    ],
  },
  {
    name: "a VIP that is its network's first address",
    raw: { vips: ["203.0.113.8/29"], services: [{ name: "a", vip: "203.0.113.8", port: 80 }] },
    lines: [
      'services[0].vip = "203.0.113.8": is the network address of vips[0] 203.0.113.8/29. Fix: choose a free address in vips[0] 203.0.113.8/29.',
    ],
  },
  {
    name: "a VIP that is the router's address in a network of vips",
    raw: {
      vips: ["203.0.113.10/29"],
      services: [
        { name: "a", vip: "203.0.113.10", port: 80 },
        { name: "b", vip: "203.0.113.9", port: 80 },
        { name: "c", vip: "203.0.113.11", port: 80 },
        { name: "d", vip: "203.0.113.12", port: 80 },
        { name: "e", vip: "203.0.113.13", port: 80 },
        { name: "f", vip: "203.0.113.14", port: 80 },
      ],
    },
    lines: [
      'vips[0] = "203.0.113.8/29": needs 7 addresses, /29 has 6. Fix: choose a shorter prefix: /28 has 14.',
    ],
  },
  {
    name: "networks of VIPs that overlap",
    raw: { vips: ["10.1.0.10/29"], services: [{ name: "a", vip: "10.1.0.10", port: 80 }] },
    lines: [
      'vips[0] = "10.1.0.10/29": lies in vipCidr 10.0.0.0/8 already. Fix: write 10.1.0.10/8, for a VIP in 10.0.0.0/8, or choose a network apart from it.',
    ],
  },
  {
    name: "an address of the router where it needs none",
    raw: { vipCidr: "203.0.113.10/32", router: { vipAddress: "203.0.113.10" } },
    lines: [
      'router.vipAddress = "203.0.113.10": is of no use where vipCidr is a /32: the router has a route to the VIP. Fix: remove it.',
    ],
  },
  {
    name: "3 VIP is the network address",
    raw: { vip: "10.0.0.0" },
    lines: [
      'vip = "10.0.0.0": is the network address of vipCidr 10.0.0.0/8. Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "3 VIP is the broadcast address",
    raw: { vip: "10.255.255.255" },
    lines: [
      'vip = "10.255.255.255": is the broadcast address of vipCidr 10.0.0.0/8. Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "3 VIP is the gateway",
    raw: { vip: "10.0.0.200" },
    lines: [
      'vip = "10.0.0.200": is the gateway address of vipCidr 10.0.0.0/8: the router has it (router.vipAddress). Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "4 VIP is the DIP",
    raw: { vip: "192.168.7.30" },
    lines: [
      'vip = "192.168.7.30": is also the address of the director (DIP) (director.address). Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "4 VIP is a RIP",
    raw: { vip: "192.168.7.20" },
    lines: [
      'vip = "192.168.7.20": is also the address of rs2 (realServers). Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "4 VIP is the host",
    raw: { vip: "192.168.7.1" },
    lines: [
      'vip = "192.168.7.1": is also the address of the host (serverNetwork.hostAddress). Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "5 gateway is the DIP",
    raw: { realServers: [{ gateway: "192.168.7.30" }] },
    lines: [
      'realServers[0].gateway = "192.168.7.30": is the DIP: rs1\'s replies must bypass the director. Fix: use the router, router.serverAddress 192.168.7.200, or leave the key out.',
    ],
  },
  {
    name: "6 gateway outside its subnet",
    raw: { realServers: [{ gateway: "10.0.0.200" }] },
    lines: [
      'realServers[0].gateway = "10.0.0.200": rs1 cannot reach a gateway outside serverNetwork.cidr 192.168.7.0/24. Fix: use the router, router.serverAddress 192.168.7.200, or leave the key out.',
    ],
  },
  {
    name: "6 gateway is nobody",
    raw: { realServers: [{ gateway: "192.168.7.77" }] },
    lines: [
      'realServers[0].gateway = "192.168.7.77": is not the router: rs1\'s replies would never reach the client. Fix: use the router, router.serverAddress 192.168.7.200, or leave the key out.',
    ],
  },
  {
    name: "7 RIP outside the segment",
    raw: { realServers: [{ address: "192.168.8.10" }] },
    lines: [
      'realServers[0].address = "192.168.8.10": is outside serverNetwork.cidr 192.168.7.0/24; gate needs one segment for the director and its real servers. Fix: choose an address in 192.168.7.0/24.',
    ],
  },
  {
    name: "7 DIP outside the segment",
    raw: { director: { address: "10.0.0.30" } },
    lines: [
      'director.address = "10.0.0.30": is outside serverNetwork.cidr 192.168.7.0/24; gate needs one segment for the director and its real servers. Fix: choose an address in 192.168.7.0/24.',
    ],
  },
  {
    name: "8 duplicate address",
    raw: { realServers: [{ address: "192.168.7.30" }] },
    lines: [
      'realServers[0].address = "192.168.7.30": is the address of both the director (DIP) (director.address) and rs1; a director is no real server: it holds the VIP, and what it would forward to itself never leaves it. Fix: give rs1 an address of its own.',
    ],
  },
  {
    name: "8 the director is a real server's, whose address follows by rule",
    raw: { director: { address: "192.168.7.20" } },
    lines: [
      'director.address = "192.168.7.20": is the address of both rs2 (realServers) and the director (DIP); a director is no real server: it holds the VIP, and what it would forward to itself never leaves it. Fix: give rs2 an address of its own.',
    ],
  },
  {
    name: "8 host address is a guest's",
    raw: { serverNetwork: { hostAddress: "192.168.7.10" } },
    lines: [
      'serverNetwork.hostAddress = "192.168.7.10": is the address of both rs1 (realServers) and the host. Fix: change one of the two.',
    ],
  },
  {
    name: "8 client's address is the router's",
    raw: { client: { address: "172.18.7.200" } },
    lines: [
      'client.address = "172.18.7.200": is the address of both the router (router.clientAddress) and the client. Fix: change one of the two.',
    ],
  },
  {
    name: "8 duplicate MAC",
    raw: { client: { mac: "52:54:00:AA:BB:CC" }, director: { mac: "52:54:00:aa:bb:cc" } },
    lines: [
      'director.mac = "52:54:00:aa:bb:cc": is the MAC address of both the client (client.mac) and the director. Fix: change one of the two.',
    ],
  },
  {
    name: "9 duplicate real server",
    raw: { realServers: [{ address: "192.168.7.10" }, {}, { address: "192.168.7.10" }] },
    lines: [
      'realServers[2].address = "192.168.7.10": rs1 and rs3 are the same server (realServers[0].address). Fix: give each its own address, or remove one.',
    ],
  },
  {
    name: "16 prefix 33",
    raw: { serverNetwork: { cidr: "192.168.7.0/33" } },
    lines: [
      'serverNetwork.cidr = "192.168.7.0/33": /33 is not an IPv4 prefix. Fix: choose a prefix from 8 to 29.',
    ],
  },
  {
    name: "16 prefix 31",
    raw: { serverNetwork: { cidr: "192.168.7.0/31" } },
    lines: [
      'serverNetwork.cidr = "192.168.7.0/31": /31 leaves no room for hosts. Fix: choose a prefix from 8 to 29.',
    ],
  },
  {
    name: "17 host bits",
    raw: { serverNetwork: { cidr: "192.168.7.5/24" } },
    lines: ['serverNetwork.cidr = "192.168.7.5/24": has host bits set. Fix: write 192.168.7.0/24.'],
  },
  {
    name: "18 overlap of client and server",
    raw: { clientNetwork: { cidr: "192.168.0.0/16" } },
    lines: [
      'serverNetwork.cidr = "192.168.7.0/24": overlaps clientNetwork.cidr 192.168.0.0/16; the router could not tell the segments apart. Fix: choose networks that do not overlap for clientNetwork.cidr and serverNetwork.cidr.',
    ],
  },
  {
    name: "18 overlap of VIP and server",
    raw: { vipCidr: "192.168.0.0/16" },
    lines: [
      'vipCidr = "192.168.0.0/16": overlaps serverNetwork.cidr 192.168.7.0/24; the router could not tell the segments apart. Fix: choose networks that do not overlap for serverNetwork.cidr and vipCidr, or one and the same, for VIPs among the real servers.',
    ],
  },
  {
    name: "a router's address among VIPs that are among the real servers",
    raw: { vipCidr: "192.168.7.0/24", router: { vipAddress: "192.168.7.201" } },
    lines: [
      'router.vipAddress = "192.168.7.201": is of no use where vipCidr is serverNetwork.cidr: the router finds the VIPs by its serverAddress. Fix: remove it.',
    ],
  },
  {
    name: "a VIP that is a real server's address",
    raw: {
      vipCidr: "192.168.7.0/24",
      vip: "192.168.7.10",
      realServers: [{ name: "rs1", address: "192.168.7.10" }],
    },
    lines: [
      'vip = "192.168.7.10": is also the address of rs1 (realServers[0].address). Fix: choose a free address in vipCidr 192.168.7.0/24.',
    ],
  },
  {
    name: "20 subnet too small",
    raw: { serverNetwork: { cidr: "192.168.7.0/29" }, realServerCount: 6 },
    lines: [
      'serverNetwork.cidr = "192.168.7.0/29": needs 9 addresses, /29 has 6. Fix: choose a shorter prefix: /28 has 14.',
    ],
  },
  {
    name: "20 client subnet too small",
    raw: { clientNetwork: { cidr: "172.18.7.0/30" } },
    lines: [
      'clientNetwork.cidr = "172.18.7.0/30": needs 3 addresses, /30 has 2. Fix: choose a shorter prefix: /29 has 6.',
    ],
  },
  {
    name: "21 IPv6",
    raw: { vip: "2001:db8::1" },
    lines: [
      'vip = "2001:db8::1": is not IPv4: an IPv4 address is required. Fix: write one address such as 192.168.7.10.',
    ],
  },
  {
    name: "21 host name",
    raw: { director: { address: "director.example.com" } },
    lines: [
      'director.address = "director.example.com": is not an IPv4 address: an IPv4 address is required, not a name. Fix: write one address such as 192.168.7.10.',
    ],
  },
  ...["192.168.7.10->192.168.7.20", "192.168.7.10-20"].map((address) => ({
    name: `a range of addresses, as ${address}`,
    raw: { realServers: [{ address }] },
    lines: [
      `realServers[0].address = "${address}": is a range: IPVS has an entry for each address, which ldirectord writes out too. Fix: write one address, and an entry for each.`,
    ],
  })),
  {
    name: "21 leading zero",
    raw: { vip: "010.0.0.100" },
    lines: [
      'vip = "010.0.0.100": is not an IPv4 address: four numbers from 0 to 255 without leading zeros. Fix: write one address such as 192.168.7.10.',
    ],
  },
  {
    name: "21 list",
    raw: { vip: '["10.0.0.100","10.0.0.101"]' },
    lines: [
      'vip = "[\\"10.0.0.100\\",\\"10.0.0.101\\"]": is a list, and one IPv4 address is required. Fix: write one address such as 192.168.7.10.',
    ],
  },
  {
    name: "MAC multicast",
    raw: { client: { mac: "01:00:5e:00:00:01" } },
    lines: [
      'client.mac = "01:00:5e:00:00:01": is not a unicast MAC address. Fix: write one such as 52:54:00:12:34:56, or leave it out.',
    ],
  },
  {
    name: "MAC malformed",
    raw: { client: { mac: "52:54:00" } },
    lines: [
      'client.mac = "52:54:00": is not a MAC address. Fix: write one such as 52:54:00:12:34:56, or leave it out.',
    ],
  },
  ...[
    ["0.0.0.0/8", "0.0.0.0/8", 'no host\'s: "this network"'],
    ["127.0.0.0/8", "127.0.0.0/8", "loopback, which never leaves a host"],
    ["169.254.8.0/24", "169.254.0.0/16", "link-local, which routers do not forward"],
    ["224.0.0.0/8", "224.0.0.0/4", "multicast"],
    ["240.0.0.0/8", "240.0.0.0/4", "reserved, and refused by the kernel"],
  ].map(([cidr, reserved, what]) => ({
    name: `reserved ${cidr}`,
    raw: { vipCidr: cidr },
    lines: [`vipCidr = "${cidr}": overlaps ${reserved}, which is ${what}. ${PRIVATE}`],
  })),
  {
    name: "reserved networks of both segments",
    raw: { clientNetwork: { cidr: "127.5.0.0/16" }, serverNetwork: { cidr: "224.1.2.0/24" } },
    lines: [
      `clientNetwork.cidr = "127.5.0.0/16": overlaps 127.0.0.0/8, which is loopback, which never leaves a host. ${PRIVATE}`,
      `serverNetwork.cidr = "224.1.2.0/24": overlaps 224.0.0.0/4, which is multicast. ${PRIVATE}`,
    ],
  },
  {
    name: "reserved network within a wide one",
    raw: { vipCidr: "0.0.0.0/1" },
    lines: [`vipCidr = "0.0.0.0/1": overlaps 0.0.0.0/8, which is no host's: "this network". ${PRIVATE}`],
  },
  {
    name: "sorry off the segment",
    raw: { sorryServer: { address: "10.0.0.5" } },
    lines: [
      'sorryServer.address = "10.0.0.5": is outside serverNetwork.cidr 192.168.7.0/24; gate needs one segment. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "sorry is a real server",
    raw: { sorryServer: { address: "192.168.7.10" } },
    lines: [
      'sorryServer.address = "192.168.7.10": is the address of rs1 (realServers), a real server of main, which cannot stand in when they are all down. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "sorry is the DIP, or the router",
    raw: {
      sorryServer: { address: "192.168.7.30" },
      services: [{ port: 81, sorryServer: { address: "192.168.7.200" } }],
    },
    lines: [
      'sorryServer.address = "192.168.7.30": is the address of the director (DIP) (director.address), whose own page is at 127.0.0.1. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
      'services[0].sorryServer.address = "192.168.7.200": is the address of the router (router.serverAddress), which would send each request back to the director. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "sorry is a member of one service, though not of the other",
    raw: {
      services: [
        { port: 81, realServers: [{ name: "rs1" }], sorryServer: { address: "192.168.7.20" } },
        { port: 82, realServers: [{ name: "rs2" }], sorryServer: { address: "192.168.7.20" } },
      ],
    },
    lines: [
      'services[1].sorryServer.address = "192.168.7.20": is the address of rs2 (realServers), a real server of service2, which cannot stand in when they are all down. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
]);

it("takes a real server that a service does not use for its sorry server", () => {
  const main = { name: "main", realServers: [{ name: "rs1" }, { name: "rs2" }] };
  const raw = { realServerCount: 3, services: [main], sorryServer: { address: "192.168.7.31" } };
  const { services, realServers } = parseConfig(raw, { project: "lvs-dr", stack: "dev" });
  expect(services[0].sorry).toEqual({ address: realServers[2]?.address, port: 80 });
});
