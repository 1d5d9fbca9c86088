/** One script that gathers what a guest can say of itself, and its parsed answer. */
import { availableParallelism, loadavg } from "node:os";
import { controlPlane } from "../../model/director/controlPlane";
import { vipHolder } from "../../model/director/vipHolder";
import { parseGuestStatus } from "../../model/guest/status";
import { sorryPorts } from "../../model/guest/settings";
import type { Lab, LabNode } from "../../model/lab/types";
import type { Shell } from "../../lib/ssh";
import { parseNeighbours } from "./neighbours";

export interface GuestFacts {
  /** "eth0 192.168.7.10/24" for each address but the host's own of IPv6 (loopback, link-local). */
  readonly addresses: readonly string[];
  /** `ip -4 route show`, a line each. */
  readonly routes: readonly string[];
  /** The default routes of IPv6, a line each; none of a guest that was not asked. */
  readonly routes6: readonly string[];
  /** Values of the sysctls asked for; "absent" where the kernel has none. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** `systemctl is-active` of each unit asked for. */
  readonly units: Readonly<Record<string, string>>;
  readonly failedUnits: readonly string[];
  /** Whether the guest's own script runs again at its next boot. */
  readonly atBoot: boolean;
  /** Seconds by which the guest's clock may differ from the host's, at least: 0 when it lies between asking and answer. */
  readonly clockOffset: number;
  /** MAC by address of whoever it knows; empty for one that was not asked. */
  readonly neighbours: ReadonlyMap<string, string>;
  /** Packets that its reverse path filter has dropped since its boot. */
  readonly filtered: number;
  /** What the guest's own `lvs-dr status` complains of. */
  readonly problems: readonly string[];
}

/** What systemd must have running in a guest. */
export function unitsOf(lab: Lab, node: LabNode): string[] {
  // A machine's network has whatever service its owner has chosen.
  const base = node.ssh === undefined ? ["ssh.service", "systemd-networkd.service"] : [];
  if (node.role === "realServer") return [...base, "nginx.service", "lvs-dr-guard.service"];
  if (node.role !== "director") return base;
  const { daemon } = controlPlane(lab);
  const sorry = sorryPorts(lab).length > 0 ? ["nginx.service"] : [];
  return [...new Set([...base, ...sorry, ...(daemon ? [daemon.unit] : []), ...vipHolder(lab).units])];
}

/** As sysctl(8) has it, a name's own dot is a slash in a key. */
const sysctlFile = (key: string): string =>
  `/proc/sys/${key.replaceAll(/[./]/g, (each) => (each === "." ? "/" : "."))}`;

/** Bash for the guest. Builtins where they do: each process costs a guest without KVM some 20 ms. */
export function factsScript(
  sysctls: readonly string[],
  units: readonly string[],
  { neighbours = false, ipv6 = false } = {},
): string {
  return `
echo "clock=$EPOCHREALTIME"
[[ -e /etc/systemd/system/multi-user.target.wants/lvs-dr.service ]] && echo boot=yes
/usr/local/sbin/lvs-dr status | grep '^problem=' || true
echo '== sysctls'
for each in ${sysctls.map((key) => `${key}:${sysctlFile(key)}`).join(" ")}; do
  value=absent
  read -r value 2>/dev/null <"\${each#*:}" || true
  echo "\${each%%:*} $value"
done
echo '== addresses'
ip -o addr show
echo '== routes'
ip -4 route show
while read -r -a names && read -r -a counts; do
  for i in "\${!names[@]}"; do
    [[ \${names[i]} != IPReversePathFilter ]] || printf '== filtered\\n%s\\n' "\${counts[i]}"
  done
done </proc/net/netstat
${ipv6 ? "echo '== routes6'\nip -6 route show default" : ""}
${neighbours ? "echo '== neighbours'\nip neigh show" : ""}
echo '== units'
${units.length === 0 ? "" : `systemctl is-active ${units.join(" ")} || true`}
echo '== failed'
systemctl list-units --failed --plain --no-legend
echo '== end'
`;
}

function lines(text: string | undefined): string[] {
  return (text ?? "").split("\n").filter((line) => line.trim() !== "");
}

/** @param asked the host's clock before and after, seconds since 1970 */
export function parseFacts(
  node: string,
  text: string,
  units: readonly string[],
  asked: { readonly before: number; readonly after: number },
): GuestFacts {
  const { sections, problems, values } = parseGuestStatus(node, text);
  // A comma where the guest's locale has one.
  const clock = Number((values["clock"] ?? "").replace(",", "."));
  const states = lines(sections["units"]);
  return {
    addresses: lines(sections["addresses"]).flatMap((line) => {
      const match = /^\d+: (\S+)\s+inet6? (\S+)/.exec(line);
      return match && !/^(fe80:|::1\/)/.test(match[2] ?? "") ? [`${match[1]} ${match[2]}`] : [];
    }),
    routes: lines(sections["routes"]).map((line) => line.trim()),
    routes6: lines(sections["routes6"]).map((line) => line.trim()),
    sysctls: Object.fromEntries(
      lines(sections["sysctls"]).map((line) => line.split(" ") as [string, string]),
    ),
    units: Object.fromEntries(units.map((unit, i) => [unit, states[i] ?? "unknown"])),
    failedUnits: lines(sections["failed"]).map((line) => line.split(" ")[0] ?? line),
    atBoot: values["boot"] === "yes",
    clockOffset: Math.max(0, asked.before - clock, clock - asked.after),
    neighbours: parseNeighbours(sections["neighbours"] ?? ""),
    filtered: Number(lines(sections["filtered"])[0] ?? 0),
    problems: problems.map((problem) => problem.text),
  };
}

/** Seconds for a guest's answer, from when it is asked; a guest without KVM needs about one where nobody else is busy. */
const FACTS_LIMIT = 60;

/** A guest that does not answer in time may only wait for a processor. */
function hostLoad(): string {
  return `the host's load is ${(loadavg()[0] ?? 0).toFixed(1)} on ${availableParallelism()} processors`;
}

export async function gatherFacts(
  shell: Shell,
  node: LabNode,
  sysctls: readonly string[],
  units: readonly string[],
  also: { readonly neighbours?: boolean; readonly ipv6?: boolean } = {},
): Promise<GuestFacts> {
  const before = Date.now() / 1000;
  const { code, stdout, stderr } = await shell.run(node.name, "bash -s", {
    stdin: factsScript(sysctls, units, also),
    timeout: FACTS_LIMIT,
  });
  if (code === null) throw new Error(`${node.name}: no answer within ${FACTS_LIMIT} s; ${hostLoad()}`);
  if (code !== 0) throw new Error(`${node.name}: cannot be asked (${code}): ${stderr}`);
  return parseFacts(node.name, stdout, units, { before, after: Date.now() / 1000 });
}
