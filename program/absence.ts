/** Hosts that `scripts/lab` has found silent: they are asked nothing, and what they have stays as the last `up` left it. */
import { ABSENT } from "../lib/hostPlace";
import type { Login } from "../lib/ssh";
import { hostOf } from "../model/lab/hosts";
import { guestsOf, type Lab, type LibvirtHost } from "../model/lab/types";
import { lastOutputs } from "./handoverProbe";

export const isAbsent = ({ name }: Pick<LibvirtHost, "name">): boolean =>
  name !== "" && (process.env[ABSENT] ?? "").split(" ").includes(name);

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
