/** The director's nftables table: packets to a group of ports get the group's firewall mark, by which IPVS knows its service. */
import { portsText } from "../../lab/ports";
import type { Lab } from "../../lab/types";

const TABLE = "inet lvs_dr";

/** One transaction for `nft -f`, which leaves no moment without rules; empty where no service is a group. */
export function renderMarks({ services }: Pick<Lab, "services">): string {
  const rules = services.flatMap((service) => {
    if (service.mark === undefined) return [];
    const { family, vip, protocol, ports, mark } = service;
    const address = family === 6 ? "ip6" : "ip";
    return `    ${address} daddr ${vip} ${protocol} dport { ${ports.map(portsText).join(", ")} } meta mark set ${mark}`;
  });
  if (rules.length === 0) return "";
  return [
    // A table that is not there cannot be deleted.
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    "  chain marks {",
    "    type filter hook prerouting priority mangle; policy accept;",
    ...rules,
    "  }",
    "}",
    "",
  ].join("\n");
}
