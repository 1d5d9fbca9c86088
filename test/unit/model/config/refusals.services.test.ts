/** What is refused of services and scheduling, word for word; numbers are those of the project's list of bad inputs. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { expectRefusals } from "./refusals";

expectRefusals("services and scheduling", [
  {
    name: "10 real server's port",
    raw: { realServers: [{ port: 8080 }] },
    lines: [
      "realServers[0].port = 8080: differs from the service's port 80: Direct Routing cannot map ports. Fix: use 80, or leave the key out.",
    ],
  },
  {
    name: "what follows from a refused VIP, port or protocol is not a second problem",
    raw: {
      services: [
        { name: "main" },
        { name: "same-vip", vip: "bad", port: 80 },
        { name: "same-port", protocol: "sctp", port: 53 },
      ],
    },
    lines: [
      'services[1].vip = "bad": is not an IPv4 address: an IPv4 address is required, not a name. Fix: write one address such as 192.168.7.10.',
      'services[2].protocol = "sctp": is not a valid protocol. Fix: choose one of tcp, udp.',
    ],
  },
  {
    name: "one reason for each value",
    raw: { ldirectord: { fallbackcommand: "", emailalert: "" }, healthCheck: { checkcommand: "" } },
    lines: [
      'healthCheck.checkcommand = "": is empty. Fix: leave the key out or give it a value.',
      'ldirectord.emailalert = "": must be an array. Fix: see docs/reference/configuration.md.',
      'ldirectord.fallbackcommand = "": is empty. Fix: leave the key out or give it a value.',
    ],
  },
  {
    name: "11 weight too large",
    raw: { realServers: [{}, { weight: 70000 }] },
    lines: [
      "realServers[1].weight = 70000: must be an integer from 0 to 65535; 0 means no new connections. Fix: choose 0 to 65535.",
    ],
  },
  {
    name: "11 weight negative",
    raw: { realServers: [{ weight: -1 }] },
    lines: [
      "realServers[0].weight = -1: must be an integer from 0 to 65535; 0 means no new connections. Fix: choose 0 to 65535.",
    ],
  },
  {
    name: "11 weight is text",
    raw: { realServers: [{ weight: "3" }] },
    lines: [
      'realServers[0].weight = "3": must be an integer from 0 to 65535; 0 means no new connections. Fix: choose 0 to 65535, written without quotes.',
    ],
  },
  {
    name: "12 all weights 0",
    raw: { realServers: [{ weight: 0 }, { weight: 0 }] },
    lines: [
      "realServers: all weights are 0: no server can receive traffic. Fix: give at least one an own weight above 0, undrained.",
    ],
  },
  {
    name: "12 all drained",
    raw: { realServers: [{ drain: true }, { drain: true }] },
    lines: [
      "realServers: all are drained: no server can receive traffic. Fix: leave at least one undrained.",
    ],
  },
  {
    name: "12 drained or 0",
    raw: { realServers: [{ drain: true }, { weight: 0 }] },
    lines: [
      "realServers: all are drained or have weight 0: no server can receive traffic. Fix: give at least one an own weight above 0, undrained.",
    ],
  },
  {
    name: "13 no real servers",
    raw: { realServers: [] },
    lines: ["realServers = []: is empty: need at least one real server. Fix: add one, or leave the key out."],
  },
  {
    name: "13 count 0",
    raw: { realServerCount: "0" },
    lines: ["realServerCount = 0: must be an integer from 1 to 250 real servers. Fix: choose 1 to 250."],
  },
  {
    name: "13 count 251",
    raw: { realServerCount: "251" },
    lines: ["realServerCount = 251: must be an integer from 1 to 250 real servers. Fix: choose 1 to 250."],
  },
  {
    name: "13 list and count",
    raw: { realServerCount: 3, realServers: [{}, {}] },
    lines: ["realServerCount = 3: is given beside realServers, which lists 2. Fix: remove one of the two."],
  },
  {
    name: "14 unknown scheduler",
    raw: { scheduler: "roundrobin" },
    lines: [
      'scheduler = "roundrobin": is not a valid scheduler. Fix: choose one of rr, wrr, lc, wlc, fo, ovf, lblc, lblcr, dh, sh, mh, sed, nq, twos.',
    ],
  },
  {
    name: "a scheduler that the image's kernel lacks",
    raw: { scheduler: "twos" },
    lines: [
      "scheduler = \"twos\": is not in Debian 12's kernel, which the project's own image has. Fix: choose another one, or an image whose kernel has the module ip_vs_twos.",
    ],
  },
  {
    name: "a third flag of a scheduler that has two",
    raw: { scheduler: "mh", schedulerFlags: ["mh-port", "flag-3"] },
    lines: ['schedulerFlags = "flag-3": is not a flag of scheduler mh. Fix: remove flag-3.'],
  },
  {
    name: "22 port 0",
    raw: { port: "0" },
    lines: ["port = 0: must be an integer from 1 to 65535, not SSH's 22. Fix: choose 1 to 65535."],
  },
  {
    name: "22 port 65536",
    raw: { port: "65536" },
    lines: ["port = 65536: must be an integer from 1 to 65535, not SSH's 22. Fix: choose 1 to 65535."],
  },
  {
    name: "22 port 22",
    raw: { port: "22" },
    lines: [
      "port = 22: is SSH's port, through which the guests are configured. Fix: choose a port from 1–65535, not SSH's.",
    ],
  },
  {
    name: "22 port is text",
    raw: { port: "http" },
    lines: [
      'port = "http": must be an integer from 1 to 65535, not SSH\'s 22. Fix: choose 1 to 65535, written without quotes.',
    ],
  },
  {
    name: "34 netmask /0",
    raw: { persistent: 600, persistenceNetmask: "0.0.0.0" },
    lines: [
      'persistenceNetmask = "0.0.0.0": is /0: all clients would stick to one server. Fix: choose a longer mask, 255.255.255.255 for one client each.',
    ],
  },
  {
    name: "34 netmask with holes",
    raw: { persistent: 600, persistenceNetmask: "255.0.255.0" },
    lines: [
      'persistenceNetmask = "255.0.255.0": is not an IPv4 netmask. Fix: write a dotted mask such as 255.255.255.0.',
    ],
  },
  {
    name: "34 netmask without persistence",
    raw: { persistenceNetmask: "255.255.255.0" },
    lines: [
      'persistenceNetmask = "255.255.255.0": has no effect without persistence. Fix: set persistent to the seconds that a client shall stick, or remove the mask.',
    ],
  },
  {
    name: "34 persistence out of range",
    raw: { persistent: "2678401" },
    lines: [
      "persistent = 2678401: must be an integer from 0 to 2678400 seconds; 0 turns persistence off, 31 days is the kernel's limit. Fix: choose 0 to 2678400.",
    ],
  },
  {
    name: "sorry port",
    raw: { sorryServer: { port: 8080 } },
    lines: [
      "sorryServer.port = 8080: differs from the service's port 80: Direct Routing cannot map ports. Fix: use 80, or leave the key out.",
    ],
  },
  {
    name: "sorry at the network's own addresses",
    raw: {
      sorryServer: { address: "192.168.7.0" },
      services: [{ port: 81, sorryServer: { address: "192.168.7.255" } }],
    },
    lines: [
      'sorryServer.address = "192.168.7.0": is the network address of serverNetwork.cidr 192.168.7.0/24. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
      'services[0].sorryServer.address = "192.168.7.255": is the broadcast address of serverNetwork.cidr 192.168.7.0/24. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "sorry of udp on the director",
    raw: {
      services: [
        { port: 53, protocol: "udp", sorryServer: {} },
        { port: 69, protocol: "udp", sorryServer: { address: "127.0.0.1" } },
        { port: 123, protocol: "udp", sorryServer: { address: "192.168.7.30" } },
      ],
    },
    lines: [
      'services[0].sorryServer.address = "127.0.0.1": is the director\'s own web server, which speaks HTTP only, and service1 is udp. Fix: use another server in 192.168.7.0/24, or set sorryServer to false.',
      'services[1].sorryServer.address = "127.0.0.1": is the director\'s own web server, which speaks HTTP only, and service2 is udp. Fix: use another server in 192.168.7.0/24, or set sorryServer to false.',
      'services[2].sorryServer.address = "192.168.7.30": is the address of the director (DIP) (director.address), whose own page is at 127.0.0.1. Fix: use another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "sorry of a main service of udp on the director",
    raw: { sorryServer: { address: "127.0.0.1" }, services: [{ name: "main", protocol: "udp" }] },
    lines: [
      'sorryServer.address = "127.0.0.1": is the director\'s own web server, which speaks HTTP only, and main is udp. Fix: use another server in 192.168.7.0/24, or set sorryServer to false.',
    ],
  },
  {
    name: "once what main changes by a value that is refused itself",
    raw: { schedulerFlags: ["sh-port"], services: [{ name: "main", scheduler: "shh" }] },
    lines: [
      'services[0].scheduler = "shh": is not a valid scheduler. Fix: choose one of rr, wrr, lc, wlc, fo, ovf, lblc, lblcr, dh, sh, mh, sed, nq, twos.',
    ],
  },
  {
    name: "sorry malformed",
    raw: { sorryServer: "true" },
    lines: [
      "sorryServer = true: is neither false nor an object. Fix: write false, or an object with address and port.",
    ],
  },
  {
    name: "sorry field",
    raw: { sorryServer: { adress: "127.0.0.1" } },
    lines: [
      "sorryServer.adress: is not a configuration key, did you mean address. Fix: rename it to address, or remove it.",
    ],
  },
  {
    name: "scheduler flag unknown",
    raw: { scheduler: "sh", schedulerFlags: ["sh-ports"] },
    lines: [
      'schedulerFlags[0] = "sh-ports": is not a valid scheduler flag. Fix: choose one of sh-fallback, sh-port, mh-fallback, mh-port, flag-1, flag-2, flag-3.',
    ],
  },
  {
    name: "scheduler flag of another scheduler",
    raw: { schedulerFlags: ["sh-port"] },
    lines: [
      'schedulerFlags = "sh-port": is not a flag of scheduler wrr. Fix: use scheduler sh, or remove sh-port.',
    ],
  },
  {
    name: "service without port",
    raw: { services: [{ name: "extra" }] },
    lines: ["services[0].port: is missing. Fix: write the port of the service."],
  },
  {
    name: "service twice",
    raw: { services: [{ name: "extra", port: 80 }] },
    lines: [
      "services[0].port = 80: makes extra the same service as main, tcp 10.0.0.100:80. Fix: choose another port, VIP or protocol.",
    ],
  },
  {
    name: "services of one name",
    raw: {
      services: [
        { name: "a", port: 81 },
        { name: "a", port: 82 },
      ],
    },
    lines: [
      'services[1].name = "a": is the name of both services[0] and services[1]. Fix: choose another name.',
    ],
  },
  {
    name: "service of a stranger",
    raw: { services: [{ port: 81, realServers: [{ name: "rs9" }, {}, { name: "rs1" }, { name: "rs1" }] }] },
    lines: [
      'services[0].realServers[0].name = "rs9": is not a real server of the lab. Fix: write rs1.',
      "services[0].realServers[1].name: is missing. Fix: name one of rs1, rs2.",
      'services[0].realServers[3].name = "rs1": is listed twice, as realServers[2] too. Fix: remove one of the two.',
    ],
  },
  {
    name: "service that nobody serves",
    raw: { services: [{ port: 81, realServers: [{ name: "rs1", weight: 0 }] }] },
    lines: [
      "services[0].realServers: all weights are 0: no server can receive traffic. Fix: give at least one an own weight above 0, undrained.",
    ],
  },
  {
    name: "service's mapped port",
    raw: { services: [{ port: 81, realServers: [{ name: "rs1", port: 80 }] }] },
    lines: [
      "services[0].realServers[0].port = 80: differs from the service's port 81: Direct Routing cannot map ports. Fix: use 81, or leave the key out.",
    ],
  },
  {
    name: "service's VIP outside",
    raw: { services: [{ port: 81, vip: "10.0.0.200" }] },
    lines: [
      'services[0].vip = "10.0.0.200": is the gateway address of vipCidr 10.0.0.0/8: the router has it (router.vipAddress). Fix: choose a free address in vipCidr 10.0.0.0/8.',
    ],
  },
  {
    name: "service on SSH's port",
    raw: { services: [{ port: 22 }] },
    lines: [
      "services[0].port = 22: is SSH's port, through which the guests are configured. Fix: choose a port from 1–65535, not SSH's.",
    ],
  },
  {
    name: "ports that are none, which are no missing port",
    raw: { services: [{ name: "a", ports: [] }] },
    lines: [
      "services[0].ports = []: is neither all nor a list of ports. Fix: write all, or a list of up to 64 ports and ranges such as [21, 30000-30099].",
    ],
  },
  {
    name: "ops of a group of ports, by ldirectord",
    raw: { services: [{ ports: [5060, 5061], protocol: "udp", ops: true }] },
    lines: [
      "services[0].ops = true: is what ldirectord gives no group of ports: its line for a firewall mark has no -o. Fix: remove it, write a service for each port, or set director.mode to keepalived or static.",
    ],
  },
  {
    name: "a sorry server that is the VIP",
    raw: { vipCidr: "192.168.7.0/24", sorryServer: { address: "192.168.7.100" } },
    lines: [
      'sorryServer.address = "192.168.7.100": is a VIP, which the director has itself; its own page is at 127.0.0.1. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "a sorry server that is the client",
    raw: {
      client: { network: "server" },
      vipCidr: "192.168.7.0/24",
      sorryServer: { address: "192.168.7.70" },
    },
    lines: [
      'sorryServer.address = "192.168.7.70": is the address of the client (client.address), which cannot have the VIP that it asks for. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
  {
    name: "ops with tcp",
    raw: { services: [{ port: 81, ops: true }] },
    lines: ["services[0].ops = true: is for udp services only. Fix: set protocol to udp, or remove ops."],
  },
]);

it("gives a further service of udp no sorry server", () => {
  const lab = parseConfig({ services: [{ port: 53, protocol: "udp" }] }, { project: "lvs-dr", stack: "dev" });
  expect(lab.services[1]?.sorry).toBeUndefined();
});

it.each([
  ["tcp", {}, { address: "127.0.0.1", port: 80 }],
  ["udp", {}, undefined],
  ["udp", { sorryServer: { page: "closed" } }, undefined],
  ["udp", { sorryServer: { address: "192.168.7.99" } }, { address: "192.168.7.99", port: 80 }],
] as const)(
  "gives a main service of %s with %o the sorry server that can answer it",
  (protocol, keys, sorry) => {
    const services = [{ name: "main", protocol }];
    const lab = parseConfig({ ...keys, services }, { project: "lvs-dr", stack: "dev" });
    expect(lab.services[0].sorry).toEqual(sorry);
  },
);
