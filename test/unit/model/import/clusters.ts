/** Clusters at random, as a stack's configuration has them. */
import * as fc from "fast-check";

type Mode = "ldirectord" | "keepalived";

const CHECKS = [
  { service: "http", request: "/a/b.html?c=d", receive: "o[kn] \\d+" },
  { service: "http", httpmethod: "HEAD", virtualhost: "www.example.com" },
  { service: "https", receive: "x" },
  { checktype: "connect", checkport: 8081 },
  { checktype: 3, service: "https", virtualhost: "www.example.com", request: "/a" },
  { checktype: 7, service: "http", login: "check er", passwd: "p'a$$ w@rd\\" },
  { service: "simpletcp", request: "/PING\\n", receive: "PONG" },
  { checktype: "on" },
  { checktype: "ping" },
] as const;
const times = fc.record(
  {
    checktimeout: fc.integer({ min: 1, max: 99 }),
    checkinterval: fc.integer({ min: 1, max: 99 }),
    failurecount: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: [] },
);
const networks = fc.constantFrom(
  { vips: "10.0.0", raw: {} },
  { vips: "192.168.7", raw: { vipCidr: "192.168.7.0/24" } },
  { vips: "203.0.113", raw: { vipCidr: "203.0.113.0/24", serverNetwork: { cidr: "10.20.0.0/16" } } },
);
/** By the VIPs of IPv4 alone, or of both families: among the servers, or in a network of their own. */
const families = fc.constantFrom(
  undefined,
  { server: "fd00:7::/64", vips: "fd00:10::/64" },
  { server: "2001:db8:7::/64", vips: "2001:db8:7::/64" },
  { server: "2001:db8:0:700::/56", vips: "2001:db8:1::/48" },
);
/** What keepalived's checkers can do. */
const ofKeepalived = (check: (typeof CHECKS)[number]): boolean =>
  !("httpmethod" in check || "login" in check || ("service" in check && check.service === "simpletcp"));
const service = (mode: Mode) =>
  fc.record({
    at: fc.constantFrom("4", "6", "both"),
    ports: fc.constantFrom(1, 1, 2),
    number: fc.integer({ min: 100, max: 104 }),
    port: fc.integer({ min: 1024, max: 1100 }),
    scheduler: fc.constantFrom("rr", "wrr", "wlc", "sh"),
    persistent: fc.constantFrom(0, 300),
    quiescent: fc.boolean(),
    sorry: fc.constantFrom("none", "own", "own", "far"),
    members: fc.uniqueArray(
      fc.record({ number: fc.integer({ min: 1, max: 5 }), weight: fc.integer({ min: 1, max: 9 }) }),
      {
        minLength: 1,
        selector: ({ number }) => number,
      },
    ),
    check: fc.constantFrom(...CHECKS.filter((each) => mode === "ldirectord" || ofKeepalived(each))),
    times,
  });
/** Of the daemon; its alerts need a mail server. */
const daemon = fc.record({
  fork: fc.boolean(),
  logfile: fc.constantFrom("/var/log/ldirectord.log", "/var/log/lvs.log", "local0"),
  alerts: fc.constantFrom(
    {},
    { emailalert: ["a@example.com", "b@example.com"], smtp: "mail.example.com" },
    {
      ...{ emailalert: ["a@example.com"], smtp: "mail", emailalertfrom: "lvs@example.com" },
      ...{ emailalertfreq: 0, emailalertstatus: ["starting", "stopping"] },
    },
  ),
});
/** Nearly always one that is accepted. */
export const cluster = (mode: Mode) =>
  fc
    .tuple(
      networks,
      fc.uniqueArray(service(mode), {
        minLength: 1,
        maxLength: 5,
        selector: ({ number, port }) => `${number} ${port}`,
      }),
      daemon,
      families,
      fc.boolean(),
    )
    .map(([{ vips, raw }, services, { fork, logfile, alerts }, six, isPair]) => ({
      ...raw,
      director: { mode },
      ...(six && {
        clientNetwork: { cidr6: "fd00:18::/64" },
        serverNetwork: { ...(raw as { serverNetwork?: object }).serverNetwork, cidr6: six.server },
        vip6Cidr: six.vips,
      }),
      ...(isPair && { directors: [{}, {}], highAvailability: { virtualRouterId: 9, advertInterval: 2 } }),
      vip: `${vips}.99`,
      realServers: Array.from({ length: 5 }, (_unused, index) => ({
        name: `rs${index + 1}`,
        weight: index + 1,
      })),
      services: services.map(({ at, number, port, ports, members, check, sorry, times: own, ...rest }) => ({
        ...rest,
        // keepalived undoes it where a sorry server takes over.
        quiescent: rest.quiescent && (mode === "ldirectord" || sorry === "none"),
        ...(ports === 1
          ? { port }
          : { ports: Array.from({ length: ports }, (_unused, index) => port + 200 * index) }),
        vip:
          !six || at === "4"
            ? `${vips}.${number}`
            : at === "6"
              ? six.vips.replace(/::.*/, `::${number}`)
              : undefined,
        sorryServer: {
          none: false as const,
          own: undefined,
          far: {
            address: "serverNetwork" in raw ? "10.20.0.250" : "192.168.7.250",
            ...(six && { address6: six.server.replace(/::.*/, "::fa") }),
          },
        }[sorry],
        realServers: members.map((each) => ({ name: `rs${each.number}`, weight: each.weight })),
        healthCheck: { ...check, ...own, ...(fork || mode === "keepalived" ? {} : { checkinterval: 1 }) },
      })),
      ...(mode === "ldirectord" && { ldirectord: { fork, logfile, ...alerts } }),
    }));
