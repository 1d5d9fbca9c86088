/** What a machine is like, to be compared before and after a stack was on it. */
import { expect } from "vitest";
import type { Machines } from "./machines";

/** What grows by itself: logs, what apt, dpkg and ucf know and fetch, and systemd's random seeds and clocks. */
const GROWS =
  "/proc /sys /dev /run /tmp /var/tmp /var/log /var/cache /var/lib/apt /var/lib/dpkg /var/lib/ucf /var/lib/systemd /srv/mirror /home/admin".split(
    " ",
  );

/** The file system (of /etc and all that is not the packages' own, the contents too), sysctls, packages, units, addresses, routes, and modules of IPVS and netfilter. */
const STATE = `cd /
prune=( ${GROWS.map((path) => `-path ${path} -o`).join(" ")} -path /nowhere )
find / -xdev \\( "\${prune[@]}" \\) -prune -o -type d -printf '%y %m %u %g %p\\n' -o -printf '%y %m %u %g %s %p %l\\n' | sort
find /run -name '*lvs*'
find /etc /usr/local /var /srv /root /home /opt -xdev \\( "\${prune[@]}" \\) -prune -o -type f -print0 | xargs -0 sha256sum | sort -k2
sysctl -a 2>/dev/null | grep -Ev '^(fs\\.(dentry-state|file-nr|inode-(nr|state)|quota)|kernel\\.(ns_last_pid|pty\\.nr|random|tainted)|net\\.netfilter\\.nf_conntrack_count|kernel\\.sched_domain)' | sort
dpkg-query -W -f '\${db:Status-Abbrev} \${Package} \${Version}\\n'
apt-mark showauto
systemctl list-unit-files --no-legend | grep -Ev ' (transient|generated) ' | sort
ip -o addr | sed 's/ *valid_lft.*//'
for each in -4 -6; do ip $each rule; ip $each route | sed 's/ expires.*//'; done
lsmod | grep -oE '^(ip_vs|nf_|nft_|arp|xt?_|libcrc32c)[^ ]*' | sort`;

/** @returns a function that fails unless the machines are as they are now */
export async function comparing(machines: Machines): Promise<() => Promise<void>> {
  const stateOf = async (name: string): Promise<Set<string>> =>
    new Set((await machines.run(name, STATE)).split("\n"));
  const states = (): Promise<[string, Set<string>][]> =>
    Promise.all(machines.specs.map(async ({ name }) => [name, await stateOf(name)]));
  const before = new Map(await states());
  return async () => {
    for (const [name, now] of await states()) {
      const was = before.get(name) ?? new Set();
      const added = [...now].filter((line) => !was.has(line));
      const gone = [...was].filter((line) => !now.has(line));
      // At once: the assertion's own words come when the whole suite is over.
      if (added.length + gone.length > 0) console.log(JSON.stringify({ name, added, gone }, undefined, 1));
      expect({ name, added, gone }).toEqual({ name, added: [], gone: [] });
    }
  };
}
