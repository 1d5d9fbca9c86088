/** What joins several hosts: their VXLAN devices, asked of the hosts themselves. Of guests alone one sees only that some are silent. */
import { askEach } from "../../lib/askEach";
import { readScript } from "../../lib/scripts";
import { GuestShell, type Shell } from "../../lib/ssh";
import { hostLogins, shellName } from "../../model/lab/access";
import { hasTunnels, joinedCalls, sentCalls, tunnelDevices } from "../../model/lab/tunnels";
import type { Lab } from "../../model/lab/types";
import { judge, type Finding, type Probe } from "./check";

/** Seconds for a host's answer. */
const ANSWER_LIMIT = 20;

/** @param shell knows the hosts by their names, this one as `host` */
export function judgeTunnels(lab: Lab, shell: Shell): Promise<Finding[]> {
  return askEach(lab.hosts, async (host) => {
    const { code, stderr } = await shell.run(shellName(host), sentCalls(joinedCalls(lab, host)), {
      stdin: readScript("host/vxlan.sh"),
      timeout: ANSWER_LIMIT,
    });
    return judge(
      `hosts.${host.name}.tunnels`,
      `${host.name}: VXLAN joins both segments to the other hosts`,
      code === 0,
      {
        where: host.name,
        command: `ip -d link show; bridge fdb show dev ${tunnelDevices(lab).join(", ")}`,
        seen: code === 0 ? "both devices, and all peers" : stderr.trim().split("\n").at(-1) || "no answer",
        expected: "both devices, and all peers",
      },
      `scripts/lab up --stack ${lab.stack}: it joins the hosts again`,
    );
  });
}

export const hostsProbe: Probe = {
  group: "hosts",
  async look({ lab }) {
    if (!hasTunnels(lab)) return [];
    const shell = new GuestShell({ privateKey: "", hosts: hostLogins(lab) }, lab);
    try {
      return await judgeTunnels(lab, shell);
    } finally {
      await shell.close();
    }
  },
};
