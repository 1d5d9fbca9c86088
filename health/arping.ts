/** Who has an address on the server segment, by everybody's word: by arping, and of IPv6 by scripts/guest/ndping.pl. */
import { readScript } from "../lib/scripts";
import { perlCommand } from "../lib/text";
import { familyOf } from "../model/lab/address";

/** Two broadcasts a second apart: whoever answers the first late is heard before the second is over. */
export const ARPING = "arping -b -c 2";

/**
 * Bash for a node of the segment: prints who answers for the VIP, as arping does. Whom that node remembers is no matter, and stays so.
 * @param seconds after which it ends
 */
export function whoHas(vip: string, device: string, seconds: number): string {
  return familyOf(vip) === 4
    ? `${ARPING} -w ${seconds} -I ${device} ${vip}`
    : perlCommand(readScript("guest/ndping.pl"), [vip, device, seconds]);
}

/** The same, for longer: each answer with its time in seconds since 1970 before it. */
export function watchWhoHas(vip: string, device: string, seconds: number): string {
  return familyOf(vip) === 4
    ? `stdbuf -oL arping -b -w ${seconds} -I ${device} ${vip} | while read -r line; do echo "$EPOCHREALTIME $line"; done`
    : whoHas(vip, device, seconds);
}

/** MAC addresses that answered, lower case, each once. */
export function parseArping(text: string): string[] {
  const macs = [...text.matchAll(/reply from \S+ \[([0-9A-Fa-f:]+)\]/g)].map(([, mac = ""]) =>
    mac.toLowerCase(),
  );
  return [...new Set(macs)];
}
