/** Hosts that VXLAN joins: what it leaves of their underlay, before anything is made. */
import { askHosts, withHosts } from "../health/hosts";
import type { Shell } from "../lib/ssh";
import { vxlanOverhead } from "../model/lab/hosts";
import { formatRefusals, type Refusal } from "../model/config/refusal";
import { MTU } from "../model/config/schemaHosts";
import { hasTunnels, underlayCall } from "../model/lab/tunnels";
import type { Lab, LabNetwork, LibvirtHost, NetworkName } from "../model/lab/types";
import { isAbsent } from "./absence";
import { lastLab } from "./handoverProbe";
import { refusal } from "./refusal";

/**
 * Derives the segments' MTU from the underlay's, and proves that the hosts reach each other by packets that hold a segment's.
 * @returns the lab with that MTU, where the configuration names none
 * @throws pulumi.RunError with every problem at once
 */
export async function fitUnderlay(lab: Lab): Promise<Lab> {
  if (!hasTunnels(lab)) return lab;
  return await withHosts(lab, async (shell) => {
    if (!lab.hosts.some(isAbsent)) return await fitted(lab, shell);
    // What the underlay of a silent host leaves is known from when it was not.
    const present = lab.hosts.filter((host) => !isAbsent(host));
    return await fitted(lab, shell, present, (await lastLab(lab))?.segments);
  });
}

/**
 * The same, asking through `shell`, which knows each other host by its name, and this one as `host`.
 * @param hosts those that are asked
 * @param last the segments as they are
 */
export async function fitted(
  lab: Lab,
  shell: Shell,
  hosts: readonly LibvirtHost[] = lab.hosts,
  last?: Lab["segments"],
): Promise<Lab> {
  const found = await asked(lab, hosts, shell);
  const least = Math.min(...found.map(({ mtu, host }) => mtu - vxlanOverhead(host.underlay ?? "")));
  const narrowest = found.find(({ mtu, host }) => mtu - vxlanOverhead(host.underlay ?? "") === least);
  const wantedOf = (network: NetworkName): number => {
    const { mtu, mtuOfUnderlay }: LabNetwork = lab.segments[network];
    return mtuOfUnderlay ? (last?.[network].mtu ?? least) : mtu;
  };
  const wanted = { client: wantedOf("client"), server: wantedOf("server") };
  const faults = (["client", "server"] as const).flatMap((network): Refusal[] => {
    const key = `${network}Network.mtu`;
    const value = wanted[network];
    const what = `the underlay of ${narrowest?.host.name} has an MTU of ${narrowest?.mtu}, which leaves ${least} under VXLAN`;
    if (value < MTU.least)
      return [{ key, value, message: `is too little for IPv6: ${what}`, fix: "raise the underlay's MTU" }];
    if (value > least) {
      const fix = lab.segments[network].mtuOfUnderlay
        ? "raise that again, or wait until all hosts answer: with another MTU the networks of all of them are made anew"
        : `set it to ${least}, or leave it out`;
      return [{ key, value, message: `does not fit: ${what}`, fix }];
    }
    return [];
  });
  if (faults.length > 0) throw refusal(formatRefusals(faults));
  const answer = {
    ...lab,
    segments: {
      client: { ...lab.segments.client, mtu: wanted.client },
      server: { ...lab.segments.server, mtu: wanted.server },
    },
  };
  await asked(lab, hosts, shell, Math.max(wanted.client, wanted.server));
  return answer;
}

/** What each host says of its NIC on the underlay. */
async function asked(
  lab: Lab,
  hosts: readonly LibvirtHost[],
  shell: Shell,
  mtu?: number,
): Promise<readonly { readonly host: LibvirtHost; readonly mtu: number }[]> {
  const answers = await askHosts(hosts, shell, (host) => [underlayCall({ hosts }, host, mtu)]);
  const faults = answers
    .filter(({ ok }) => !ok)
    .map(({ host, fault }) => notJoined(host, lab.hosts.indexOf(host), fault.replace(/\.$/, "")));
  if (faults.length > 0) throw refusal(formatRefusals(faults));
  return answers.map(({ host, stdout }) => ({ host, mtu: Number(stdout.trim()) }));
}

/** @param fault what the host, or SSH on the way there, says */
function notJoined({ name, underlay = "", remote }: LibvirtHost, index: number, fault: string): Refusal {
  if (remote !== undefined && /host key verification failed/i.test(fault))
    return {
      key: `hosts[${index}].hostKey`,
      value: remote.hostKey ?? "",
      message: `${name} shows another host key`,
      fix: `if that is the host that you mean, set it to what \`ssh-keyscan -t ed25519 -p ${remote.port} ${remote.host}\` prints after the name`,
    };
  return {
    key: `hosts[${index}].underlay`,
    value: underlay,
    message: `VXLAN cannot lead from ${name} to the other hosts: ${fault}`,
    fix: "name addresses of the hosts that reach each other by UDP at port 4789, by packets of the MTU of their NICs",
  };
}
