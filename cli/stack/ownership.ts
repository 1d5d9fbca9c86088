/**
 * Whose a running guest is. Its title says project and stack, but two checkouts can have a stack of the same name: what
 * this one's state does not know is not for it to stop, start or repair.
 */
import type { Backend } from "../backends/backend";
import type { StackNames, Virsh } from "./virsh";

/** A lab of this name runs, and it is another checkout's. */
export class ForeignStackError extends Error {}

/**
 * The stack's domains that this checkout's state knows, with their states.
 * @param say is told of others that bear the stack's name
 * @throws ForeignStackError when all are others
 */
export async function ownDomains(
  virsh: Virsh,
  names: StackNames,
  backend: Pick<Backend, "domains">,
  say: (line: string) => void,
): Promise<Map<string, string>> {
  const found = await virsh.domains(names);
  if (found.size === 0) return found;
  const known = await backend.domains();
  const asks = [...found.keys()].some((name) => known.get(name) !== undefined);
  const uuids = asks ? await virsh.uuids() : new Map<string, string>();
  const isOwn = (name: string): boolean =>
    known.has(name) && [undefined, uuids.get(name)].includes(known.get(name));
  const own = new Map<string, string>();
  const others: string[] = [];
  for (const [name, state] of found) {
    if (isOwn(name)) own.set(name, state);
    else others.push(name);
  }
  if (own.size === 0 && known.size === 0) throw new ForeignStackError(foreign(names.stack, others));
  for (const name of others) say(`domain ${name} is in no state of this checkout: left alone`);
  return own;
}

function foreign(stack: string, domains: readonly string[]): string {
  return (
    `this host has a stack ${stack} that is not this checkout's: ${domains.join(", ")}. ` +
    "Run its `down` where it was built, or choose another name with --stack. " +
    `If its state is lost, remove each with: virsh destroy NAME; virsh undefine NAME --managed-save`
  );
}
