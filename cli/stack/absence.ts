/** Hosts of a stack that do not answer: what `up` does without them. */
import { askEach } from "../../lib/askEach";
import { ABSENT, sameLibvirt, type HostPlace } from "../../lib/hostPlace";
import { GuestShell, type HostLogin } from "../../lib/ssh";
import { machineLogins } from "../../model/lab/access";
import { endpoint } from "../../model/lab/address";
import { hostOf } from "../../model/lab/hosts";
import { guestsOf, type Lab, type LabNode } from "../../model/lab/types";
import type { StackContext, StackHost } from "./context";
import { say } from "../terminal";

type RemoteHost = StackHost & Required<Pick<StackHost, "place">>;

const isRemote = (host: StackHost): host is RemoteHost => host.place !== undefined;

export const placesOf = (hosts: readonly { readonly place: HostPlace }[]): HostPlace[] =>
  hosts.map(({ place }) => place);

const lists = (lab: Lab, { place: { libvirtUri: own } }: RemoteHost): boolean =>
  own !== undefined && lab.hosts.some(({ libvirtUri }) => sameLibvirt(libvirtUri, own));

const guestsOn = (lab: Lab, { name }: RemoteHost): LabNode[] =>
  guestsOf(lab).filter((node) => hostOf(lab, node).name === name);

export interface HostsNow {
  /** Those that do not answer. */
  readonly absent: readonly RemoteHost[];
  readonly present: readonly StackHost[];
}

/**
 * Which hosts of the last `up` answer now; each that does not is said in a line, with what that leaves out. The program and all that it
 * runs are told too.
 * @throws Error for what cannot be brought about without them, and where none answers
 */
export async function hostsNow(
  hosts: readonly StackHost[],
  context: Pick<StackContext, "lastLab" | "backend">,
  lab: Lab,
): Promise<HostsNow> {
  // Without the only one nothing can be done, and what asks for it says so.
  const asked = await askEach(hosts.length > 1 ? hosts.filter(isRemote) : [], async (host) => ({
    host,
    why: await host.virsh.silence(),
  }));
  const silent = asked.filter(({ why }) => why !== undefined);
  if (silent.length === hosts.length && silent.length > 0)
    throw new Error(
      `none of the hosts answers: ${silent.map(({ host, why }) => `${host.name} (${why})`).join(", ")}`,
    );
  const before = silent.length === 0 ? undefined : await context.lastLab();
  const built = silent.length === 0 ? new Map() : await context.backend.domains();
  for (const { host, why } of silent) {
    const { name } = host;
    if (!lists(lab, host))
      throw new Error(
        `${name} is not in the configuration any more, and what it has cannot be deleted, since it does not answer (${why}): ` +
          `run \`scripts/lab up --forget-host ${name}\` if it never returns`,
      );
    const there = before === undefined ? [] : guestsOn(before, host).map((node) => node.name);
    const added = guestsOn(lab, host).filter(
      (node) => !(built.has(node.domain) && there.includes(node.name)),
    );
    if (added.length > 0)
      throw new Error(
        `${name} does not answer (${why}), and ${added.map((node) => node.name).join(", ")} would be made there: ` +
          "wait until it is back, or name another one by `host`",
      );
    const stays = new Set(guestsOn(lab, host).map((node) => node.name));
    const leaving = there.filter((node) => !stays.has(node));
    if (leaving.length > 0)
      throw new Error(
        `${name} does not answer (${why}), and ${leaving.join(", ")} cannot leave it: wait until it is back (drain takes a real server ` +
          `out of service meanwhile) or, if it never returns, take it out of hosts and run \`scripts/lab up --forget-host ${name}\``,
      );
    say(`${name} does not answer: ${why}`);
    say(
      `${name}: what it has stays as it is (${there.join(", ")}); the next \`up\` that reaches it puts it right`,
    );
    const way = guestsOn(lab, host).filter(({ role }) => role === "router" || role === "client");
    if (way.length > 0)
      say(`${name}: no request reaches a service without ${way.map((node) => node.name).join(" and ")}`);
  }
  const absent = silent.map(({ host }) => host);
  process.env[ABSENT] = absent.map(({ name }) => name).join(" ");
  const present = hosts.filter(({ name }) => absent.every((each) => each.name !== name));
  return { absent, present };
}

/** How `--forget-host` names a machine that exists: by the address of its SSH, and by the port where that is another than 22. */
export const machineName = ({ address, machine }: Pick<HostLogin, "address" | "machine">): string =>
  machine === undefined || machine.port === 22 ? address : endpoint(address, machine.port);

/** What `--forget-host` may name. */
interface Forgettable {
  readonly place: HostPlace;
  /** What is to be done on it, should it return. */
  readonly returns: string;
  isListed(lab: Lab): boolean;
  answers(): Promise<boolean>;
}

const libvirtHost = (host: RemoteHost): Forgettable => ({
  place: host.place,
  returns: "docs/howto/several-hosts.md says what is left there",
  isListed: (lab) => lists(lab, host),
  answers: async () => (await host.virsh.silence()) === undefined,
});

function machine(name: string, login: HostLogin, { options }: Pick<StackContext, "options">): Forgettable {
  return {
    place: { address: login.address, port: login.machine?.port ?? 22 },
    returns: "`lvs-dr remove all` there, as root, takes away what it has",
    isListed: (lab) => Object.values(machineLogins(lab)).some((each) => machineName(each) === name),
    async answers() {
      const shell = new GuestShell({ privateKey: "", hosts: { [name]: login } }, options);
      try {
        return (await shell.run(name, "true")).code === 0;
      } finally {
        await shell.close();
      }
    },
  };
}

/** All that `--forget-host` may name, by what it is called: hosts and machines of the last `up`, and machines of the last that succeeded. */
async function forgettable(
  context: StackContext,
  hosts: readonly StackHost[],
): Promise<Map<string, Forgettable>> {
  const { access } = await context.recorded();
  const logins = [...Object.values(access?.hosts ?? {}), ...Object.values(context.names().machines)];
  return new Map([
    ...logins.flatMap((login): [string, Forgettable][] => {
      const name = machineName(login);
      return login.machine === undefined ? [] : [[name, machine(name, login, context)]];
    }),
    ...hosts.filter(isRemote).map((host): [string, Forgettable] => [host.name, libvirtHost(host)]),
  ]);
}

/**
 * Drops from the state what is on hosts, and on machines that exist, that never return.
 * @returns the hosts that are left
 * @throws Error for one that answers, or that the configuration still lists
 */
export async function forgetHosts(context: StackContext, lab?: Lab): Promise<readonly StackHost[]> {
  const { backend } = context;
  const { forgetHost: names = [] } = context.options;
  const hosts = await context.lastHosts();
  if (names.length === 0) return hosts;
  const known = await forgettable(context, hosts);
  const lost = names.map((name) => {
    const found = known.get(name);
    if (found !== undefined) return { name, ...found };
    throw new Error(
      `--forget-host ${name}: no other host or machine of the last \`up\` is called so${known.size > 0 ? `; there are ${[...known.keys()].join(", ")}` : ""}`,
    );
  });
  for (const { name, isListed, answers } of lost) {
    if (lab !== undefined && isListed(lab))
      throw new Error(`--forget-host ${name}: the configuration still lists it: remove it from there first`);
    if (await answers())
      throw new Error(`--forget-host ${name}: it answers: leave the option out, and what it has is deleted`);
  }
  const count = await backend.forget(placesOf(lost));
  say(`${names.join(", ")}: forgotten, ${count} resources are dropped from the state`);
  for (const { name, returns } of lost) say(`${name}: should it return, ${returns}`);
  return hosts.filter(({ name }) => !names.includes(name));
}
