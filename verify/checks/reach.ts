/** The article's pings: the client reaches both of the router's sides, the real servers reach the client. */
import { askEach } from "../../lib/askEach";
import { judge, lacksAnEnd, skipped, type CheckContext, type Finding, type Probe } from "./check";
import { withoutLength } from "../../model/lab/address";
import { addressesOf, type Lab, type LabNode } from "../../model/lab/types";

export interface PingTarget {
  readonly from: LabNode;
  readonly to: string;
  readonly label: string;
}

export function pingTargets(lab: Lab): PingTarget[] {
  const router = lab.routers[0].nics.flatMap((nic) =>
    nic.addresses.map((address) => ({
      from: lab.clients[0],
      to: withoutLength(address),
      label: `the router's ${address} on ${nic.device}`,
    })),
  );
  const back = lab.realServers.flatMap((from) =>
    addressesOf(lab.clients[0]).map((to) => ({ from, to, label: "the client" })),
  );
  return [...router, ...back];
}

/** Two echo requests to each address, all at the same time; a line "ADDRESS RECEIVED ROUND-TRIP" each. */
export function pingScript(addresses: readonly string[]): string {
  return `for to in ${addresses.join(" ")}; do
  {
  out=$(ping -n -q -c 2 -i 0.2 -W 2 "$to" 2>&1) || true
  received=0; [[ $out =~ \\ ([0-9]+)\\ received ]] && received=\${BASH_REMATCH[1]}
  average=; [[ $out =~ =\\ [0-9.]+/([0-9.]+)/ ]] && average=\${BASH_REMATCH[1]}
  echo "$to $received $average"
  } &
done
wait`;
}

export function judgePings(lab: Lab, targets: readonly PingTarget[], answers: string): Finding[] {
  const received = new Map(
    answers.split("\n").map((line) => {
      const [address = "", count = "0", average = ""] = line.split(" ");
      return [address, { count: Number(count), average }] as const;
    }),
  );
  return targets.map(({ from, to, label }) => {
    const { count, average } = received.get(to) ?? { count: 0, average: "" };
    const evidence = {
      where: from.name,
      command: `ping -c 2 ${to}`,
      seen: `${count} of 2 answered${average ? `, ${average} ms on average` : ""}`,
      expected: "an answer",
    };
    const six = to.includes(":");
    const fix =
      from.role === "client"
        ? `on ${lab.routers[0].name}: ip -${six ? 6 : 4} addr; on ${from.name}: ip route get ${to}`
        : `on ${lab.routers[0].name}: sysctl ${six ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward"} (must be 1); on ${from.name}: ip route get ${to}`;
    return judge(`reach.${from.name}-${to}`, `${from.name} pings ${label} (${to})`, count > 0, evidence, fix);
  });
}

async function look({ lab, shell }: CheckContext): Promise<Finding[]> {
  const why = lacksAnEnd(lab);
  if (why !== undefined)
    return [skipped("reach.pings", "client, router and real servers reach each other", why)];
  const targets = pingTargets(lab);
  const nodes = [...new Set(targets.map(({ from }) => from))];
  const findings = await askEach(nodes, async (node) => {
    const own = targets.filter(({ from }) => from === node);
    const { stdout } = await shell.run(node.name, "bash -s", {
      stdin: pingScript(own.map(({ to }) => to)),
    });
    return judgePings(lab, own, stdout);
  });
  return findings.flat();
}

export const reachProbe: Probe = { group: "reach", look };
