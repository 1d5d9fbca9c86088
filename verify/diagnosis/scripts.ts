/**
 * Asking the VIP through one real server alone, as Seesaw does it: a virtual service by firewall mark with that server
 * in it. Only connections from a few source ports of ours are marked, so the live service never notices; the kernel
 * looks a marked packet up by its mark first.
 */
import { DIAGNOSIS_MARKS } from "../../model/director/ipvs/table";
import { endpoint, familyOf } from "../../model/lab/address";
import { targetArguments } from "../../model/lab/target";
import type { VirtualService } from "../../model/lab/types";
import { webProtocol } from "../../model/lab/workloads";
import { PORTS_EACH } from "../../health/requests";

export interface Target {
  /** Real server's name, or "sorry". */
  readonly name: string;
  readonly address: string;
  /** Firewall mark of its service. */
  readonly mark: number;
  /** Source ports for the router's and the client's requests. */
  readonly routerPort: number;
  readonly clientPort: number;
}

/** nft table of ours: removing it removes every rule. Its marks come after those of services by mark, and win. */
const NFT_TABLE = "lvs_dr_diagnosis";
/** Seconds after which the director cleans up by itself, whatever became of us. */
const LIMIT = 40;

/** Ports are drawn anew each time: an earlier connection's entry in the director would send a new one its way. */
export function targetsOf(service: VirtualService): Target[] {
  const servers = service.realServers.map(({ name, address }) => ({ name, address }));
  const all = service.sorry ? [...servers, { name: "sorry", address: service.sorry.address }] : servers;
  const span = all.length * PORTS_EACH * 2;
  const first = 61_000 + Math.floor(Math.random() * (65_000 - 61_000 - span));
  return all.map((server, i) => ({
    ...server,
    mark: DIAGNOSIS_MARKS.first + i,
    routerPort: first + 2 * i * PORTS_EACH,
    clientPort: first + (2 * i + 1) * PORTS_EACH,
  }));
}

/** As ipvsadm names the service by a target's mark. */
function markOf({ mark, address }: Target): string {
  return targetArguments({ mark, family: familyOf(address) });
}

function cleanUp(targets: readonly Target[]): string {
  const services = targets.map((target) => `ipvsadm -D ${markOf(target)} 2>/dev/null`).join("; ");
  return `nft delete table inet ${NFT_TABLE} 2>/dev/null; ${services}; rm -f /run/lvs-dr-diagnosis.pid`;
}

/** For the director. Exit status 3: another diagnosis is under way. */
export function setUpScript(service: VirtualService, targets: readonly Target[]): string {
  const rules = targets.map(
    ({ mark, routerPort }) =>
      `    ${familyOf(service.vip) === 6 ? "ip6" : "ip"} daddr ${service.vip} tcp dport ${service.port} tcp sport ${routerPort}-${routerPort + 2 * PORTS_EACH - 1}` +
      ` meta mark set ${mark}`,
  );
  return `
set -eu
if nft list table inet ${NFT_TABLE} >/dev/null 2>&1; then exit 3; fi
setsid bash -c 'sleep ${LIMIT}; ${cleanUp(targets)}' >/dev/null 2>&1 </dev/null &
echo $! >/run/lvs-dr-diagnosis.pid
ipvsadm -R <<'RULES'
${targets.map((target) => `-A ${markOf(target)} -s rr\n-a ${markOf(target)} -r ${endpoint(target.address, 0)} -g -w 1`).join("\n")}
RULES
nft -f - <<'RULES'
table inet ${NFT_TABLE} {
  chain marks {
    type filter hook prerouting priority mangle + 10; policy accept;
${rules.join("\n")}
  }
}
RULES
`;
}

/** For the director, and to be run whatever happened. */
export function tearDownScript(targets: readonly Target[]): string {
  return `
kill -- "-$(cat /run/lvs-dr-diagnosis.pid 2>/dev/null)" 2>/dev/null
${cleanUp(targets)}
ipvsadm -Sn | grep -E -- '-f (${targets.map(({ mark }) => mark).join("|")}) ' && exit 1
exit 0
`;
}

/** The page that the service's own check asks for. */
export function checkedPage(service: VirtualService): string {
  const { checktype, service: kind, request } = service.check;
  if (webProtocol(service) === undefined) return "";
  return checktype === "negotiate" && (kind === "http" || kind === "https") && request !== undefined
    ? request.replace(/^\//, "")
    : "";
}
