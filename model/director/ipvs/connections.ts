/** What a director's `ipvsadm -Lnc` and a real server's `ss` say of connections. */
import { readEndpoint } from "../../lab/address";
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

/** The address of the real server of one of these. */
export const serverOf = (connection: string): string | undefined =>
  readEndpoint(connection.slice(connection.lastIndexOf(" ") + 1))?.address;

/** What asks a real server for the TCP connections that it has, those to be closed among them. */
export const SOCKETS = "ss -Htn state connected exclude time-wait";

/** Those connections, each as "CLIENT > VIP:PORT". A program that listens for both families has those of IPv4 as addresses of IPv6. */
export function socketsOf(text: string): Set<string> {
  const plain = (address = ""): string => address.replace(/^\[::ffff:([\d.]+)\]/, "$1");
  return new Set(
    text.split("\n").flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      return fields.length < 4 ? [] : [`${plain(fields.at(-1))} > ${plain(fields.at(-2))}`];
    }),
  );
}
