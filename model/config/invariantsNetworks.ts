/** The three networks: apart from each other, and with room for everyone. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { Prefix, withLength, withoutLength } from "../lab/address";
import { kernelCmdline } from "../guest/boot";
import { sixNetworks, vip6CidrOf } from "./dualStack";
import { NO_ADDRESS } from "./hosts";
import type { Config } from "./schema";
import { vipsOf } from "../lab/types";
import { allVipNetworks, hasClientSegment } from "./vipNetworks";

export function checkNetworks(findings: Findings, config: Config, draft: Draft): void {
  checkSix(findings, config);
  const all = allVipNetworks(config);
  const vipsIn = (prefix: Prefix): number => vipsOf(draft).filter((vip) => prefix.contains(vip)).length;
  const flat = all.find(({ by, prefix }) => by === "serverAddress" && prefix.network.family === 4);
  const servers =
    1 +
    draft.hosts.length +
    draft.directors.length +
    draft.realServers.length +
    (flat ? vipsIn(flat.prefix) : 0);
  // Of machines alone nobody is on the client segment.
  const { cidr, cidr6 } = hasClientSegment(config) ? config.clientNetwork : {};
  const networks = [
    { key: "clientNetwork.cidr", cidr, needs: 2 + draft.hosts.length },
    { key: "serverNetwork.cidr", cidr: config.serverNetwork.cidr, needs: servers },
    { key: "clientNetwork.cidr6", cidr: cidr6, needs: 2 },
    {
      key: "serverNetwork.cidr6",
      cidr: config.serverNetwork.cidr6,
      needs: 1 + draft.directors.length + draft.realServers.length,
    },
    // The VIPs and the router's address, which the director's neighbours find by ARP.
    ...all.flatMap(({ key, prefix, by }) =>
      by === "serverAddress"
        ? []
        : [{ key, cidr: String(prefix), needs: vipsIn(prefix) + (by === "address" ? 1 : 0) }],
    ),
  ].flatMap(({ cidr: there, ...each }) => (there === undefined ? [] : [{ ...each, cidr: there }]));
  if (all[0].by !== "address" && config.router.vipAddress !== undefined) {
    const message =
      all[0].by === "route"
        ? "is of no use where vipCidr is a /32: the router has a route to the VIP"
        : "is of no use where vipCidr is serverNetwork.cidr: the router finds the VIPs by its serverAddress";
    findings.add(
      { key: "router.vipAddress", value: config.router.vipAddress, message, fix: "remove it" },
      "vipCidr",
    );
  }
  for (const { key, cidr } of networks) checkReserved(findings, key, cidr);
  checkBoot(findings, config, draft);
  for (const { key, cidr, needs } of networks) {
    const room = Prefix.parse(cidr).hosts;
    if (room >= needs) continue;
    findings.add(
      {
        key,
        value: cidr,
        message: `needs ${needs} addresses, /${Prefix.parse(cidr).length} has ${room}`,
        fix: `choose a shorter prefix: /${prefixFor(needs)} has ${2 ** (32 - prefixFor(needs)) - 2}`,
      },
      "realServers",
      "realServerCount",
    );
  }
  networks.forEach((a, index) => {
    for (const b of networks.slice(index + 1)) {
      if (!Prefix.parse(a.cidr).overlaps(Prefix.parse(b.cidr))) continue;
      // Of vips what is written is the VIP with its network's prefix.
      const vip = config.vips.find((_each, at) => b.key === `vips[${at}]`);
      const { length } = Prefix.parse(a.cidr);
      const isInside = Prefix.parse(a.cidr).contains(Prefix.parse(b.cidr).network);
      const isThere = vip !== undefined && isInside && !a.key.startsWith("clientNetwork.");
      findings.add(
        {
          key: b.key,
          value: vip ?? b.cidr,
          message: isThere
            ? `lies in ${a.key} ${a.cidr} already`
            : `overlaps ${a.key} ${a.cidr}; the router could not tell the segments apart`,
          fix: isThere
            ? `write ${withLength(withoutLength(vip), length)}, for a VIP in ${a.cidr}, or choose a network apart from it`
            : `choose networks that do not overlap for ${a.key} and ${b.key}` +
              (a.key.startsWith("serverNetwork.")
                ? ", or one and the same, for VIPs among the real servers"
                : ""),
        },
        a.key,
      );
    }
  });
}

/** Where no host's address can be, or none that is routed. */
export const RESERVED = [
  { cidr: "0.0.0.0/8", what: 'no host\'s: "this network"' },
  { cidr: "127.0.0.0/8", what: "loopback, which never leaves a host" },
  { cidr: "169.254.0.0/16", what: "link-local, which routers do not forward" },
  { cidr: "224.0.0.0/4", what: "multicast" },
  { cidr: "240.0.0.0/4", what: "reserved, and refused by the kernel" },
  { cidr: "fe80::/10", what: "link-local, which routers do not forward" },
  { cidr: "ff00::/8", what: "multicast" },
  { cidr: "::/8", what: "loopback's, and otherwise reserved" },
];

function checkReserved(findings: Findings, key: string, cidr: string): void {
  const hit = RESERVED.find((reserved) => Prefix.parse(reserved.cidr).overlaps(Prefix.parse(cidr)));
  if (hit === undefined) return;
  const message = `overlaps ${hit.cidr}, which is ${hit.what}`;
  const fix = `choose a private network: one in ${cidr.includes(":") ? "fd00::/8" : "10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"}`;
  findings.add({ key, value: cidr, message, fix });
}

/** Characters of a command line that Linux reads on x86. */
const COMMAND_LINE = 2047;
/** As long as that of the project's image, which it begins with, and some more. */
const BASE = "x".repeat(200);

/** A router of the project's image has its addresses of IPv4 from the kernel's command line, which is cut off where it is too long. */
function checkBoot(findings: Findings, config: Config, { routers: [router] }: Draft): void {
  if (config.image !== undefined || router.ssh !== undefined || config.absent.has("router")) return;
  const { length } = kernelCmdline(BASE, router, true);
  if (length <= COMMAND_LINE) return;
  const message = `are in too many networks: with an address in each the router's command line has ${length} characters, and its kernel reads ${COMMAND_LINE}`;
  const fix = "put them into fewer networks, or write VIPs as /32, to which the router has a route";
  findings.add({ key: "vips", message, fix });
}

/** IPv6 is there with all its networks, or not at all. */
function checkSix(findings: Findings, config: Config): void {
  if (sixNetworks(config) !== undefined) return;
  const networks = [
    { key: "clientNetwork.cidr6", is: config.clientNetwork.cidr6 !== undefined },
    { key: "serverNetwork.cidr6", is: config.serverNetwork.cidr6 !== undefined },
    { key: "vip6Cidr", is: vip6CidrOf(config) !== undefined },
  ];
  const there = networks.find(({ is }) => is)?.key;
  const missing = networks.filter(({ is }) => !is).map(({ key }) => key);
  const { client, router, director } = config;
  const needs = [
    ["vip6", config.vip6],
    ["client.address6", client.address6],
    ["router.clientAddress6", router.clientAddress6],
    ["router.serverAddress6", router.serverAddress6],
    ["router.vipAddress6", router.vipAddress6],
    ["director.address6", director.address6],
    ...(config.realServers ?? []).map(
      ({ address6 }, index) => [`realServers[${index}].address6`, address6] as const,
    ),
    ["sorryServer.address6", config.sorryServer === false ? undefined : config.sorryServer.address6],
    ...config.services.map(
      ({ sorryServer }, index) =>
        [`services[${index}].sorryServer.address6`, sorryServer ? sorryServer.address6 : undefined] as const,
    ),
    ...config.vips.map((vip, index) => [`vips[${index}]`, vip.includes(":") ? vip : undefined] as const),
    ...config.services.map(
      ({ vip }, index) => [`services[${index}].vip`, vip?.includes(":") ? vip : undefined] as const,
    ),
  ] as const;
  const [key, value] = needs.find(([, given]) => given !== undefined) ?? [there];
  if (key === undefined) return;
  const names = missing.join(" and ");
  findings.add(
    {
      key,
      ...(value === undefined ? {} : { value }),
      message: `is of IPv6, which needs ${names} too`,
      fix: `set ${names}, say to a /64 in fd00::/8${missing.length > 1 ? " each" : ""}; or remove ${key}`,
    },
    ...missing,
    "realServers",
    "services",
  );
}

/** The longest prefix with room for so many hosts. */
function prefixFor(hosts: number): number {
  let prefix = 30;
  while (2 ** (32 - prefix) - 2 < hosts) prefix--;
  return prefix;
}

/** Whether a network had an address left for this one; if not, checkNetworks has said so. Who is absent needs none. */
export function isAssigned(address: string): boolean {
  return address !== NO_ADDRESS && address !== "";
}
