/** What `ipvsadm -Lnc` says of connections. */
import { vipsOf, type Lab } from "../../lab/types";

/** Connections that are open at the lab's VIPs, each as "CLIENT > VIP:PORT > SERVER"; templates of persistence are none. */
export function openConnections(lab: Lab, text: string): Set<string> {
  const vips = vipsOf(lab);
  const found = new Set<string>();
  for (const line of text.split("\n")) {
    const [, , state, client = "", target = "", server = ""] = line.trim().split(/\s+/);
    if (
      state === "ESTABLISHED" &&
      vips.some((vip) => target.startsWith(`${vip}:`) || target.startsWith(`[${vip}]:`))
    )
      found.add(`${client} > ${target} > ${server}`);
  }
  return found;
}
