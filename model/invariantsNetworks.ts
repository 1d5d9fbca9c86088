/** The three networks: apart from each other, and with room for everyone. */
import { NO_ADDRESS, type Draft } from "./defaults";
import type { Findings } from "./findings";
import { hostsOf, overlaps, parseCidr } from "./ip";
import type { Config } from "./schema";

export function checkNetworks(findings: Findings, config: Config, draft: Draft): void {
  const networks = [
    { key: "clientNetwork.cidr", cidr: config.clientNetwork.cidr, needs: 3 },
    { key: "serverNetwork.cidr", cidr: config.serverNetwork.cidr, needs: 3 + draft.realServers.length },
    // The VIPs and the router's address, which the director's neighbours find by ARP.
    {
      key: "vipCidr",
      cidr: config.vipCidr,
      needs: 1 + new Set(draft.services.map((service) => service.vip)).size,
    },
  ];
  for (const { key, cidr, needs } of networks) {
    const room = hostsOf(parseCidr(cidr));
    if (room >= needs) continue;
    findings.add(
      {
        key,
        value: cidr,
        message: `needs ${needs} addresses, /${parseCidr(cidr).prefix} has ${room}`,
        fix: `choose a shorter prefix: /${prefixFor(needs)} has ${hostsOf({ network: 0, prefix: prefixFor(needs) })}`,
      },
      "realServers",
      "realServerCount",
    );
  }
  networks.forEach((a, index) => {
    for (const b of networks.slice(index + 1)) {
      if (!overlaps(parseCidr(a.cidr), parseCidr(b.cidr))) continue;
      findings.add(
        {
          key: b.key,
          value: b.cidr,
          message: `overlaps ${a.key} ${a.cidr}; the router could not tell the segments apart`,
          fix: `choose networks that do not overlap for ${a.key} and ${b.key}`,
        },
        a.key,
      );
    }
  });
}

/** The longest prefix with room for so many hosts. */
function prefixFor(hosts: number): number {
  let prefix = 30;
  while (2 ** (32 - prefix) - 2 < hosts) prefix--;
  return prefix;
}

/** Whether a network had an address left for this one; if not, checkNetworks has said so. */
export function isAssigned(address: string): boolean {
  return address !== NO_ADDRESS;
}
