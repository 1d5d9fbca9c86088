/** `scripts/lab up` and `preview`: what makes or changes a stack. */
import { GuestShell } from "../../lib/ssh";
import { askEach } from "../../lib/askEach";
import { handovers } from "../../model/config/handover";
import { placement } from "../../model/lab/hosts";
import { serviceKey, serviceTitle } from "../../model/lab/target";
import { ConfigError } from "../../model/config/refusal";
import type { Lab } from "../../model/lab/types";
import { restartNotice } from "../../model/restarts";
import { EXIT_CODES } from "../../model/health";
import { renderHealth } from "../../health/healthText";
import { forgetHosts, hostsNow, placesOf } from "../stack/absence";
import { lastApplied, recordApplied } from "../stack/applied";
import type { ChangeCounts } from "../backends/backend";
import { StackContext, type StackOptions } from "../stack/context";
import { shownOutputs } from "../stack/recorded";
import { ForeignStackError, ownDomains } from "../stack/ownership";
import { repairFencing } from "../stack/fencing";
import { repairGuests, repairLibvirt, repairTunnels } from "../stack/repair";
import { printJson, say, seconds } from "../terminal";

export function summary(counts: ChangeCounts): string {
  const parts = Object.entries(counts).map(([op, count]) => `${count} ${op}`);
  return parts.length > 0 ? parts.join(", ") : "nothing to do";
}

/**
 * The lab to be built.
 * @throws ConfigError also for what cannot be reached from the lab as it is in one `up`
 */
async function applicableLab(context: StackContext): Promise<Lab> {
  context.assertConfigured();
  const lab = await context.configuredLab();
  const applied = lastApplied(context.directory);
  if (applied === undefined) return lab;
  for (const line of leaving(applied, lab)) say(line);
  const found = handovers(applied, lab);
  if (found.length === 0) return lab;
  // Of what an `up` set out to build only that counts which came to be.
  const built = await context.backend.domains();
  const problems = found.filter(({ from }) => built.has(from.domain)).map(({ problem }) => problem);
  if (problems.length > 0) throw new ConfigError(problems);
  return lab;
}

/** Real servers and services that are gone from the configuration, perhaps by mistake: a line each. */
function leaving(applied: Lab, lab: Lab): string[] {
  const servers = applied.realServers.filter(
    ({ name }) => !lab.realServers.some((each) => each.name === name),
  );
  const services = applied.services.filter(
    (was) => !lab.services.some((is) => serviceKey(is) === serviceKey(was)),
  );
  return [
    ...servers.map(
      ({ name, address }) => `${name} leaves the lab: real server ${address}, its guest is deleted`,
    ),
    ...services.map((service) => `${service.name} leaves the lab: service ${serviceTitle(service)}`),
  ];
}

const UNKNOWN = "[unknown]";

interface Applied {
  readonly counts: ChangeCounts;
  /** Names of hosts that were left out. */
  readonly without: readonly string[];
}

/** Of what was done, or would be. */
const titled = (what: string, without: readonly string[]): string =>
  without.length === 0 ? what : `${what} without ${without.join(", ")}`;

/** Prints the outputs when all is as expected. Where a host was left out, it ends as `status` does. */
export async function up(options: StackOptions): Promise<void> {
  const started = Date.now();
  const context = new StackContext(options);
  // Before anything is touched; the program itself checks again, and the host too.
  const lab = await applicableLab(context);
  const { counts, without } = await context.alone("an `up`", () => apply(context, lab));
  const outputs = shownOutputs(await context.built());
  say(`${titled(`up in ${seconds(started)}`, without)}: ${summary(counts)}`);
  const health = typeof outputs.health === "object" ? outputs.health : undefined;
  if (health !== undefined) say(renderHealth(health));
  printJson(outputs);
  if (without.length > 0)
    process.exitCode = Math.max(EXIT_CODES.degraded, EXIT_CODES[health?.status ?? "degraded"]);
}

async function apply(context: StackContext, lab: Lab): Promise<Applied> {
  const names = context.names();
  await context.backend.unlock();
  const hosts = await forgetHosts(context, lab);
  const { absent, present } = await hostsNow(hosts, context, lab);
  const owned = await askEach(present, async ({ virsh }) => {
    return { virsh, domains: await ownDomains(virsh, names, context.backend, say) };
  });
  const exists = await context.backend.exists();
  // Without a state, a pool or network of its name is another checkout's.
  if (exists) await askEach(owned, ({ virsh, domains }) => repairLibvirt(virsh, names, domains, say));
  recordApplied(context.directory, lab, context.options.configFile);
  if (exists && (await context.recorded()).access !== undefined) {
    await context.withGuests(async (shell, applied) => {
      await repairTunnels(applied, present, say);
      await repairFencing(applied, say);
      await repairGuests(shell, applied, say);
    });
  }
  // For whoever logs in to the guests meanwhile, and for the stack's next command.
  process.env.LVS_DR_CONNECTIONS = GuestShell.kept(context.options);
  context.announce("up:");
  const counts = await context.backend.up(placesOf(absent));
  return { counts, without: absent.map(({ name }) => name) };
}

export async function preview(options: StackOptions): Promise<void> {
  const context = new StackContext(options);
  const lab = await applicableLab(context);
  const { absent, present } = await hostsNow(await context.lastHosts(), context, lab);
  await askEach(present, ({ virsh }) =>
    ownDomains(virsh, context.names(), context.backend, say).catch((error: unknown) => {
      // Of a libvirt that does not answer the program itself says more.
      if (error instanceof ForeignStackError) throw error;
    }),
  );
  context.announce("preview:");
  for (const { name, guests } of placement(lab)) say(`  host ${name}: ${guests.join(", ") || "no guest"}`);
  const { counts, restarts, outputs } = await context.backend.preview(placesOf(absent));
  const without = absent.map(({ name }) => name);
  say(`${titled("would", without)}: ${summary(counts)}`);
  if (restarts.length > 0) say(restartNotice(restarts));
  // What the guests are like now says nothing of what they will be like after a restart.
  const health = restarts.length > 0 ? UNKNOWN : outputs.health;
  const until = restarts.length > 0 ? "until these guests run again" : "until an `up` has brought this about";
  say(typeof health === "object" ? renderHealth(health) : `health: unknown ${until}`);
  printJson({ ...outputs, ...(health !== undefined && { health }) });
}
