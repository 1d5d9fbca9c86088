import { familyOf } from "../model/lab/address";

/** Two broadcasts a second apart: whoever answers the first late is heard before the second is over. */
export const ARPING = "arping -b -c 2";

/**
 * Bash for the router: prints who answers for the VIP, as arping does; of IPv6 there is one neighbour, to whom the packets go.
 * @param seconds after which it ends
 */
export function whoHas(vip: string, device: string, seconds: number): string {
  return familyOf(vip) === 4
    ? `${ARPING} -w ${seconds} -I ${device} ${vip}`
    : `ping -n -q -c 1 -W 1 ${vip} >/dev/null
read -r address _ mac _ < <(ip neigh show to ${vip} dev ${device}) && echo "reply from $address [$mac]"`;
}

/** MAC addresses that answered, lower case, each once. */
export function parseArping(text: string): string[] {
  const macs = [...text.matchAll(/reply from \S+ \[([0-9A-Fa-f:]+)\]/g)].map(([, mac = ""]) =>
    mac.toLowerCase(),
  );
  return [...new Set(macs)];
}
