import type { HostLogin, Login } from "../../lib/ssh";
import { labNodes, type Lab } from "./types";

/** How to reach the guests, and what they are: the stack's output that `scripts/lab ssh` and every observation use. */
export interface Access extends Login {
  /** The lab as it was applied. */
  readonly lab: Lab;
}

/** How libvirt's other hosts are reached, by their names. */
export function hostLogins({ hosts }: Pick<Lab, "hosts">): Readonly<Record<string, HostLogin>> {
  return Object.fromEntries(
    hosts.flatMap(({ name, remote }): [string, HostLogin][] => {
      if (remote === undefined) return [];
      const { host, user, port, hostKey = "", keyFile } = remote;
      const machine = { port, ...(keyFile !== undefined && { keyFile }) };
      return [[name, { address: host, user, hostKey, machine }]];
    }),
  );
}

/** How each machine of the lab is reached, by node. The private keys stay in the files that the configuration names. */
export function machineLogins(lab: Lab): Readonly<Record<string, HostLogin>> {
  return Object.fromEntries(
    labNodes(lab).flatMap(({ name, ssh }) => {
      if (ssh === undefined) return [];
      const { host, user, port, hostKey = "", keyFile, jump } = ssh;
      const machine = { port, ...(keyFile !== undefined && { keyFile }) };
      return [[name, { address: host, user, hostKey, machine, ...(jump && { proxy: jump }) }] as const];
    }),
  );
}
