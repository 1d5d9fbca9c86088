/** What a real server remembers of its checks: it closes each check's connection, which then stays in TIME-WAIT there. */
import { endpoint } from "../model/lab/address";

export interface CheckSight {
  /** Seconds since the director's last check of this server ended; absent when none is remembered. */
  readonly lastCheck?: number;
  /** Seconds from one check to the next, on average of those remembered; absent where fewer than two are. */
  readonly every?: number;
  /** The kernel remembers no more connections, so that nothing can be told. */
  readonly full: boolean;
}

/** How long a closed connection is remembered: the kernel's TCP_TIMEWAIT_LEN, seconds. */
export const TIME_WAIT = 60;
/** From here up are the lab's own ports (diagnosis), above the kernel's ephemeral ones. */
const OWN_PORTS = 61_000;

/** Bash for a real server: what it remembers of connections from a director's addresses, below a heading of that name. */
export function checkSightScript(dips: readonly string[], section: string): string {
  return `
echo '== ${section}'
read -r max </proc/sys/net/ipv4/tcp_max_tw_buckets
while read -r -a words; do
  [[ \${words[0]} == TCP: ]] && echo "remembered \${words[6]} of $max"
done </proc/net/sockstat
ss -Htno state time-wait '( ${dips.map((dip) => `dst ${endpoint(dip)}`).join(" or ")} )'
`;
}

/** ss(8) prints a timer as "1min5sec", "59sec", "5.492ms" (5 s and 492 ms) or "740ms". */
function timerSeconds(text: string): number {
  const match = /^(?:(\d+)min)?(?:(\d+)(?:sec|\.))?(?:(\d+)ms)?$/.exec(text);
  if (match === null) return NaN;
  const [, minutes = "0", seconds = "0", milliseconds = "0"] = match;
  return Number(minutes) * 60 + Number(seconds) + Number(milliseconds) / 1000;
}

/**
 * @param port that is checked
 * @param dip the director's address from which it is
 */
export function parseCheckSight(section: string, port: number, dip: string): CheckSight {
  const [, remembered, max] = /^remembered (\d+) of (\d+)$/m.exec(section) ?? [];
  // A program that listens for both families has addresses of IPv4 as ones of IPv6.
  const left = [
    ...section.matchAll(/:(\d+)\s+\[?(?:::ffff:)?([0-9a-f.:]+?)\]?:(\d+)\s+timer:\(timewait,([^,]+),/g),
  ]
    .filter(([, local, from, remote]) => Number(local) === port && from === dip && Number(remote) < OWN_PORTS)
    .map(([, , , , timer = ""]) => timerSeconds(timer))
    .filter((seconds) => !Number.isNaN(seconds));
  const [oldest, youngest] = [Math.min(...left), Math.max(...left)];
  return {
    ...(left.length > 0 && { lastCheck: Math.max(0, TIME_WAIT - youngest) }),
    ...(left.length > 1 && { every: (youngest - oldest) / (left.length - 1) }),
    full: Number(remembered) >= 0.9 * Number(max),
  };
}
