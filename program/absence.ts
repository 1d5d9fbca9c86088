/** Hosts that `scripts/lab` has found silent: they are asked nothing, and what they have stays as the last `up` left it. */
import { ABSENT } from "../lib/hostPlace";
import type { Login } from "../lib/ssh";
import { hostOf } from "../model/lab/hosts";
import { guestsOf, type Lab, type LibvirtHost } from "../model/lab/types";
import { lastOutputs } from "./handoverProbe";
import { refusal } from "./refusal";

const absent = (): string[] => (process.env[ABSENT] ?? "").split(" ").filter(Boolean);

export const isAbsent = ({ name }: Pick<LibvirtHost, "name">): boolean => absent().includes(name);

/** @throws pulumi.RunError for a name that is none of the lab's hosts */
export function assertListed({ hosts }: Pick<Lab, "hosts">): void {
  const unknown = absent().filter((each) => hosts.every(({ name }) => name !== each));
  if (unknown.length === 0) return;
  const listed = hosts.flatMap(({ name }) => (name === "" ? [] : [name]));
  const there = listed.length === 0 ? "the configuration has no hosts" : `there are ${listed.join(", ")}`;
  throw refusal(
    `${ABSENT}: no host is called ${unknown.join(", ")}; ${there}. Fix: name the hosts that are away.`,
  );
}

/** How their guests were reached, for whoever looks whether they answer again. */
export async function absentLogins(lab: Lab): Promise<Login["hosts"]> {
  if (!lab.hosts.some(isAbsent)) return {};
  const { access } = await lastOutputs(lab);
  const guests = guestsOf(lab).filter((node) => isAbsent(hostOf(lab, node)));
  return Object.fromEntries(
    guests.flatMap(({ name }) => {
      const login = access?.hosts[name];
      return login === undefined ? [] : [[name, login] as const];
    }),
  );
}
