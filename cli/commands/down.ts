/** `scripts/lab down`: ends a stack, and finds out whether it is gone. */
import { askEach } from "../../lib/askEach";
import { GuestShell, keptDirectory, type Login } from "../../lib/ssh";
import { removeOf } from "../../model/guest/script";
import { PROJECT } from "../../model/lab/naming";
import { summary } from "./apply";
import { forgetHosts, machineName } from "../stack/absence";
import { audit, stackFiles, type AuditScope } from "../stack/audit";
import type { Backend, ChangeCounts } from "../backends/backend";
import { StackContext, type StackHost, type StackOptions } from "../stack/context";
import { endFencing } from "../stack/fencing";
import { HOST_DIRECTORIES, removeLogs, tapsOf } from "../stack/hostTraces";
import { ownDomains } from "../stack/ownership";
import { deleteFromStack } from "../stack/stackDirectory";
import type { Virsh } from "../stack/virsh";
import { say, seconds } from "../terminal";

/** Seconds for what a role has put on a machine to be taken away, packages included. */
const REMOVE_LIMIT = 1200;

/** What went wrong in words, or what came of it. */
async function attempt<T>(work: () => Promise<T>, otherwise: T): Promise<{ value: T; error?: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { value: otherwise, error: error instanceof Error ? error.message : String(error) };
  }
}

interface OwnDomains {
  readonly host: StackHost;
  /** Of the stack's, on that host, with their states. */
  readonly domains: ReadonlyMap<string, string>;
}

/** Takes their power: a frozen guest would survive its own undefinition, and none needs a shutdown now. */
async function endGuests(virsh: Virsh, domains: OwnDomains["domains"], scope: AuditScope): Promise<void> {
  const powered = [...domains].filter(([, state]) => state !== "shut off");
  await Promise.all(
    powered.map(([domain]) => virsh.run("destroy", domain).catch((error: Error) => say(error.message))),
  );
  await virsh.deleteOldConsoles(scope).catch((error: Error) => say(error.message));
}

/** @throws Error within seconds where another host does not answer: a libvirt that hangs would be waited for */
async function assertAnswers({ name, virsh, place }: StackHost): Promise<void> {
  const why = place && (await virsh.silence());
  if (why === undefined) return;
  const fix = name === "" ? "" : `; if it never returns: scripts/lab down --forget-host ${name}`;
  throw new Error(`${name || place?.address} does not answer: ${why}${fix}`);
}

/** What to look for; gathered before anything is destroyed, since much of it is known no more afterwards. */
async function scopeOf(context: StackContext, own: readonly OwnDomains[]): Promise<AuditScope> {
  const names = context.names();
  const { labKnown, ...rest } = names;
  const { value: inState } = await attempt(() => context.backend.domains(), new Map());
  const running = own.flatMap((each) => [...each.domains.keys()]);
  const domains = [...new Set([...names.domains, ...inState.keys(), ...running])];
  const taps = await askEach(own, async ({ host, domains: those }) =>
    host.remote ? [] : [...(await tapsOf(host.virsh, those.keys()))],
  );
  if (!labKnown)
    say(
      "the configuration is refused and no `up` was recorded: libvirt is taken to be this host's" +
        (domains.length === 0 ? ", and guests' disks in a pool that was there before cannot be told" : ""),
    );
  return {
    ...rest,
    domains,
    directory: context.directory,
    connections: keptDirectory(context.options),
    taps: new Map(taps.flat()),
    remote: context.hosts.every(({ remote }) => remote),
  };
}

/** The state that a backend still has: a line, or none. */
async function stateLeft(backend: Backend, stack: string): Promise<string[]> {
  const engine = backend.engine === "pulumi" ? "Pulumi" : "the embedded engine";
  return (await backend.exists()) ? [`state of stack ${stack}, kept by ${engine}`] : [];
}

/** @throws Error with what failed, naming what is left; LockedError */
export async function down(options: StackOptions, host = HOST_DIRECTORIES): Promise<void> {
  const context = new StackContext(options);
  await context.alone("a `down`", () => destroy(context, host));
}

/**
 * Machines that exist, whose role the state did not know of: the connection was lost when they first got it.
 * @returns what is left of it, a line each
 */
async function endRoles(context: StackContext, hosts: Login["hosts"]): Promise<string[]> {
  if (Object.keys(hosts).length === 0) return [];
  const { options } = context;
  const shell = new GuestShell({ privateKey: "", hosts }, options);
  try {
    const ends = await askEach(Object.keys(hosts), async (name) => {
      const { code, stdout, stderr } = await shell.run(name, removeOf(`${PROJECT}/${options.stack}`), {
        timeout: REMOVE_LIMIT,
      });
      if (stdout.includes("ended")) say(`${name}: a role that the state did not know of is ended`);
      return code === 0 ? [] : [`role of ${name}: ${stderr.split("\n").at(-1) ?? ""}`];
    });
    return ends.flat();
  } finally {
    await shell.close();
    context.forgetGuests();
  }
}

async function destroy(context: StackContext, host: typeof HOST_DIRECTORIES): Promise<void> {
  const started = Date.now();
  const { options } = context;
  const { backend, directory } = context;
  context.announce("down:");
  await backend.unlock();
  // Known no more afterwards.
  const { forgetHost = [] } = options;
  const machines = Object.fromEntries(
    Object.entries(context.names().machines).filter(([, login]) => !forgetHost.includes(machineName(login))),
  );
  const hosts = await forgetHosts(context);
  const own = await askEach(hosts, async (host): Promise<OwnDomains> => {
    await assertAnswers(host);
    return { host, domains: await ownDomains(host.virsh, context.names(), backend, say) };
  });
  const scope = await scopeOf(context, own);
  await askEach(own, ({ host, domains }) => endGuests(host.virsh, domains, scope));
  context.forgetGuests();
  const destroyed = await attempt<ChangeCounts>(() => backend.destroy(), {});
  // Asked while it can still say yes: with the directory a local state is gone too.
  const state = await attempt(() => stateLeft(backend, options.stack), []);
  const clean = destroyed.error === undefined && state.error === undefined && state.value.length === 0;
  let logs: string[] = [];
  if (clean) {
    await endFencing(options.stack);
    for (const name of stackFiles(directory)) deleteFromStack(options.stack, name);
    if (!scope.remote) logs = removeLogs(scope, host);
    say(`down in ${seconds(started)}: ${summary(destroyed.value)}`);
  }
  const roles = clean ? await endRoles(context, machines) : [];
  const found = await attempt(() => audit(hosts, scope, host), []);
  const left = [...state.value, ...found.value, ...logs, ...roles];
  const errors = [destroyed.error, state.error, found.error && `audit: ${found.error}`].filter(Boolean);
  if (destroyed.error !== undefined && Object.keys(machines).length > 0) {
    const names = Object.entries(machines).map(([node, login]) => `${machineName(login)} (${node})`);
    errors.push(`if a machine never returns: scripts/lab down --forget-host ADDRESS, of ${names.join(", ")}`);
  }
  if (left.length > 0) errors.push(`left of stack ${options.stack}:\n  ${left.join("\n  ")}`);
  if (errors.length > 0) throw new Error(errors.join("\n"));
  say("audit: nothing is left");
}
