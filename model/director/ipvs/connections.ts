/** What `ipvsadm -Lnc` says of connections. */
import { vipsOf, type Lab } from "../../lab/types";

/** Connections at the lab's VIPs, each as "CLIENT > VIP:PORT > SERVER": all, or only those that are open. Templates of persistence are none. */
export function connections(lab: Lab, text: string, open: boolean): Set<string> {
  const vips = vipsOf(lab);
  const found = new Set<string>();
  for (const line of text.split("\n")) {
    const [, , state, client = "", target = "", server = ""] = line.trim().split(/\s+/);
    if (
      (open ? state === "ESTABLISHED" : state !== "NONE") &&
      vips.some((vip) => target.startsWith(`${vip}:`) || target.startsWith(`[${vip}]:`))
    )
      found.add(`${client} > ${target} > ${server}`);
  }
  return found;
}
