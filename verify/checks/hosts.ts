/** What joins several hosts: their VXLAN devices, asked of the hosts themselves. Of guests alone one sees only that some are silent. */
import { askHosts, withHosts } from "../../health/hosts";
import type { Shell } from "../../lib/ssh";
import { hasTunnels, joinedCalls, tunnelDevices } from "../../model/lab/tunnels";
import type { Lab } from "../../model/lab/types";
import { judge, skipped, type Finding, type Probe } from "./check";

/** Seconds for a host's answer: verify is over soon on a lab whose paths are dead. */
const ANSWER_LIMIT = 20;
const EXPECTED = "both devices, and all peers";

/** @param shell knows the hosts by their names, this one as `host` */
export async function judgeTunnels(lab: Lab, shell: Shell): Promise<Finding[]> {
  const answers = await askHosts(lab.hosts, shell, (host) => joinedCalls(lab, host), ANSWER_LIMIT);
  return answers.map(({ host: { name }, ok, fault }) =>
    judge(
      `hosts.${name}.tunnels`,
      `${name}: VXLAN joins both segments to the other hosts`,
      ok,
      {
        where: name,
        command: `ip -d link show; bridge fdb show dev ${tunnelDevices(lab).join(", ")}`,
        seen: ok ? EXPECTED : fault,
        expected: EXPECTED,
      },
      `scripts/lab up --stack ${lab.stack}: it joins the hosts again`,
    ),
  );
}

export const hostsProbe: Probe = {
  group: "hosts",
  async look({ lab }) {
    if (!hasTunnels(lab))
      return [skipped("hosts.tunnels", "VXLAN joins the hosts", "no VXLAN joins hosts in this lab")];
    return await withHosts(lab, (shell) => judgeTunnels(lab, shell));
  },
};
