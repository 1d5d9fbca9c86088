/** Two directors: one of them holds the VIPs, by its own word, and the other could take over. */
import { look as lookAtAll } from "../../health/observe";
import { controlPlane } from "../../model/director/controlPlane";
import { vipHolder } from "../../model/director/vipHolder";
import { withHolder } from "../../model/lab/directors";
import { directorsHealth, holderOf, type DirectorHealth } from "../../model/pair";
import type { Lab } from "../../model/lab/types";
import { macOwner } from "./arp";
import { judge, skipped, type CheckContext, type Finding, type Probe } from "./check";

const words = (all: readonly DirectorHealth[], word: (each: DirectorHealth) => string): string =>
  all.map((each) => `${each.name} ${word(each)}`).join(", ");

export function judgePair(lab: Lab, all: readonly DirectorHealth[], answering: readonly string[]): Finding[] {
  const [active, standby] = all;
  if (active === undefined || standby === undefined) throw new Error("a pair has two directors");
  const where = `${active.name}, ${standby.name}`;
  const { units, state, hearing } = vipHolder(lab);
  const journal = `journalctl -u ${units.join(" -u ")}`;
  const { sync } = lab.highAvailability ?? { sync: "off" };
  const expectedSync = sync === "daemon" ? "both" : "none";
  return [
    judge(
      "pair.holder",
      "one director holds the VIP, and it alone answers for it",
      all.filter(({ holdsVip }) => holdsVip).length === 1 && answering.length === 1,
      {
        where: `${where}, ${lab.routers[0].name}`,
        command: "ip -4 -o addr show; arping -b -c 2",
        seen:
          words(all, ({ holdsVip }) => (holdsVip ? "holds it" : "does not")) +
          `; answered by ${answering.map((mac) => macOwner(lab, mac)).join(", ") || "nobody"}`,
        expected: `${active.name} holds it and answers`,
      },
      `${journal} on both: ${hearing}`,
    ),
    judge(
      "pair.standby",
      "the other director would take it over",
      active.role === "active" && standby.role === "standby",
      {
        where,
        command: state,
        seen: words(all, ({ role }) => role),
        expected: `${active.name} active, ${standby.name} standby`,
      },
      `${journal} on ${standby.name}; it must reach ${lab.routers[0].address} by arping`,
    ),
    judge(
      "pair.sync",
      "each director tells the other of its connections",
      all.every((each) => each.sync === expectedSync),
      {
        where,
        command: "ipvsadm -L --daemon",
        seen: words(all, (each) => each.sync),
        expected: words(all, () => expectedSync),
      },
      `systemctl restart ${units[0]} on the one that differs; if that holds the VIP, scripts/lab failover first`,
    ),
    judge(
      "pair.tables",
      "both directors have the same table",
      standby.table === "equal",
      {
        where,
        command: "ipvsadm -Sn",
        seen: `${standby.name}: ${standby.table}`,
        expected: `${standby.name}: equal`,
      },
      `journalctl -u ${controlPlane(lab).daemon?.unit ?? "lvs-dr"} on both`,
    ),
  ];
}

export const pairProbe: Probe = {
  group: "pair",
  async look({ lab: applied, shell }: CheckContext) {
    if (applied.highAvailability === undefined)
      return [skipped("pair.holder", "one of two directors holds the VIP", "this lab has one director")];
    const { pair } = await lookAtAll(shell, applied);
    if (pair === undefined) return [];
    const lab = withHolder(applied, holderOf(applied, pair));
    return judgePair(lab, directorsHealth(lab, pair), pair.answering ?? []);
  },
};
