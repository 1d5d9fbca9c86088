/** Configurations that together use everything that reaches a guest. */

const second = { name: "second", vip: "10.0.0.101", port: 8080 };
const times = { checktimeout: 5, negotiatetimeout: 7, checkinterval: 4, failurecount: 3 };

/** What the golden files hold in full. */
export const IN_FULL = ["article", "static", "everything"] as const;

export const CONFIGURATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  article: {},
  static: { director: { mode: "static" }, quiescent: true },
  everything: {
    persistent: 600,
    persistenceNetmask: "255.255.255.0",
    realServers: [
      { name: "web1", weight: 5, lowerThreshold: 5, upperThreshold: 10 },
      { name: "web2", drain: true, request: "own.html", receive: "it's mine" },
      { name: "web3", weight: 0 },
    ],
    healthCheck: { ...times, httpmethod: "GET", virtualhost: "www.example.com", failurecount: 2 },
    services: [
      { ...second, scheduler: "sh", schedulerFlags: ["sh-port"], sorryServer: { address: "192.168.7.99" } },
      {
        name: "names",
        port: 53,
        protocol: "udp",
        ops: true,
        healthCheck: { service: "dns", checktype: "negotiate", request: "example.com", receive: "192" },
      },
      {
        name: "db",
        port: 5432,
        workload: "own",
        healthCheck: { service: "pgsql", login: "u", passwd: "p w", database: "my db", request: "select 1" },
      },
      {
        name: "tls",
        vip: "10.0.0.102",
        port: 443,
        healthCheck: { verify: false },
        ldirectord: { emailalert: ["a@example.com"], smtp: "mail", comment: "note" },
      },
    ],
    workloads: [{ name: "own" }],
    ldirectord: { fork: true, maintenancedir: "/etc/out", fallbackcommand: "/bin/true" },
    sorryServer: { page: "away\n" },
    drainTimeout: 5,
    ipvsTimeouts: { tcp: 7200, tcpfin: 60, udp: 30 },
  },
  networks: {
    clientNetwork: { cidr: "172.20.0.0/16" },
    serverNetwork: { cidr: "192.168.9.0/24" },
    vipCidr: "10.9.0.0/16",
  },
  smallNetwork: { serverNetwork: { cidr: "192.168.7.0/28" }, vipCidr: "10.0.0.0/28", vip: "10.0.0.9" },
  addresses: {
    vip: "10.1.2.3",
    client: { address: "172.18.1.1", mac: "52:54:00:00:00:01" },
    router: { vipAddress: "10.1.2.4", serverAddress: "192.168.7.9" },
    director: { address: "192.168.7.8" },
  },
  names: { client: { name: "kunde" }, router: { name: "weg" }, director: { name: "chef" } },
  arptables: { arpStrategy: "arptables" },
  staticArp: { arpStrategy: "static" },
  manyServers: { realServerCount: 64 },
  port: { port: 8080, sorryServer: { page: "moved" } },
  twoVips: { services: [second, { ...second, name: "third", vip: "10.0.0.102" }] },
  ownServers: {
    services: [
      {
        ...second,
        realServers: [
          { name: "rs2", weight: 9 },
          { name: "rs1", drain: true },
        ],
      },
    ],
  },
  noSorry: { sorryServer: false },
  farSorry: { sorryServer: { address: "192.168.7.99", port: 80 } },
  quiescent: { quiescent: true },
  slowChecks: { healthCheck: times },
  oneProcess: { ldirectord: { fork: false }, services: [second] },
  connect: { healthCheck: { checktype: "connect" } },
  ping: { healthCheck: { checktype: "ping" } },
  counted: { healthCheck: { checktype: 4 } },
  unchecked: { healthCheck: { checktype: "on" } },
  external: { healthCheck: { checktype: "external", checkcommand: "/usr/local/bin/check" } },
  head: { healthCheck: { httpmethod: "HEAD" } },
  mail: {
    workloads: [{ name: "own" }],
    services: [
      { port: 25, workload: "own" },
      { port: 110, workload: "own", healthCheck: { login: "u", passwd: "p" } },
      { port: 993, workload: "own" },
      { port: 587, workload: "own" },
    ],
  },
  directory: {
    workloads: [{ name: "own" }],
    services: [
      { port: 389, workload: "own" },
      { port: 636, workload: "own" },
      {
        port: 1812,
        protocol: "udp",
        healthCheck: { checktype: "negotiate", service: "radius", login: "u", passwd: "p", secret: "s" },
      },
    ],
  },
  databases: {
    workloads: [{ name: "own" }],
    services: [
      { port: 3306, workload: "own", healthCheck: { login: "u", request: "select 1" } },
      { port: 1521, workload: "own", healthCheck: { login: "u", database: "d", request: "select 1" } },
    ],
  },
  others: {
    workloads: [{ name: "own" }],
    services: [
      { port: 21, workload: "own", healthCheck: { request: "/f", receive: "x" } },
      { port: 119, workload: "own" },
      { port: 3128, healthCheck: { request: "http://x/" } },
      { port: 5060, workload: "own" },
      { port: 7, healthCheck: { service: "simpletcp", request: "/ping" } },
    ],
  },
  udp: { services: [{ name: "main", protocol: "udp", port: 53, healthCheck: { checktype: "ping" } }] },
  alerts: {
    ldirectord: {
      emailalert: ["a@example.com"],
      emailalertstatus: ["starting"],
      emailalertfreq: 60,
      smtp: "mail",
    },
  },
  schedulers: { scheduler: "mh", schedulerFlags: ["flag-2", "mh-fallback"] },
  mtu: { clientNetwork: { mtu: 9000 }, serverNetwork: { mtu: 1280 } },
};
