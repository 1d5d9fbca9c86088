import type { HostLogin, Login } from "../../lib/ssh";
import { HERE } from "../../lib/sshHop";
import { labNodes, type Lab, type LibvirtHost, type RemoteHost } from "./types";

/** How to reach the guests, and what they are: the stack's output that `scripts/lab ssh` and every observation use. */
export interface Access extends Login {
  /** The lab as it was applied. */
  readonly lab: Lab;
}

const loginOf = ({ host, user, port, hostKey = "", keyFile }: RemoteHost): HostLogin => ({
  address: host,
  user,
  hostKey,
  machine: { port, ...(keyFile !== undefined && { keyFile }) },
});

/** What a shell calls a libvirt host. */
export const shellName = ({ name, remote }: LibvirtHost): string => (remote === undefined ? HERE : name);

/** How libvirt's other hosts are reached, by what a shell calls them. */
export function hostLogins({ hosts }: Pick<Lab, "hosts">): Readonly<Record<string, HostLogin>> {
  return Object.fromEntries(
    hosts.flatMap((host) =>
      host.remote === undefined ? [] : [[shellName(host), loginOf(host.remote)] as const],
    ),
  );
}

/** How each machine of the lab is reached, by node. The private keys stay in the files that the configuration names. */
export function machineLogins(lab: Lab): Readonly<Record<string, HostLogin>> {
  return Object.fromEntries(
    labNodes(lab).flatMap(({ name, ssh }) =>
      ssh === undefined ? [] : [[name, { ...loginOf(ssh), ...(ssh.jump && { proxy: ssh.jump }) }] as const],
    ),
  );
}
