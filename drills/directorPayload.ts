/** A director reconfigured the way `up` does it: the payload in the guest with other settings, run once. */
import { planeSettings } from "../model/director/controlPlane";
import { directorRunLimit, guestSettings } from "../model/guest/settings";
import { CommandError } from "../lib/ssh";
import { shellQuote } from "../lib/text";
import { INSTALL_AND_START, PAYLOAD, type Settings } from "../model/guest/script";
import type { HealthCheck, Lab, LabNode, RealServerEntry } from "../model/lab/types";
import type { DrillRun } from "./drillRun";
import { Broken } from "./waiting";

/** Not in /run: it must outlive a reboot. */
const SAVED = "/var/lib/lvs-dr-drill.payload";

/**
 * Gives a setting of a payload another value.
 * @throws Error when the payload has no such setting
 */
export function replaceSetting(payload: string, name: string, value: string): string {
  const pattern = new RegExp(`^readonly ${name}='(?:[^']|'\\\\'')*'$`, "m");
  if (!pattern.test(payload)) throw new Error(`the director's payload has no setting ${name}`);
  return payload.replace(pattern, () => `readonly ${name}=${shellQuote(value)}`);
}

/** The lab with other real servers in its main service. */
export function withServers(
  lab: Lab,
  change: (servers: readonly RealServerEntry[]) => readonly RealServerEntry[],
): Lab {
  const [main, ...rest] = lab.services;
  return { ...lab, services: [{ ...main, realServers: change(main.realServers) }, ...rest] };
}

/** The lab with other check settings in its main service. */
export function withCheck(lab: Lab, change: Partial<HealthCheck>): Lab {
  const [main, ...rest] = lab.services;
  return { ...lab, services: [{ ...main, check: { ...main.check, ...change } }, ...rest] };
}

const WHAT_CHANGES = ["LVS_MODE", "LVS_TABLE", "LVS_SETTLE_SECONDS", "LVS_RUN_LIMIT"];

/** Converges the director on another lab. Fails where `up` would, with the guest's words. */
export function applyDirector(run: DrillRun, what: string, lab: Lab): Promise<number> {
  return applySettings(run, what, (director) => {
    const settings: Settings = guestSettings(lab, director);
    const names = [...WHAT_CHANGES, ...Object.keys(planeSettings(lab))];
    return Object.fromEntries(names.map((name) => [name, settings[name] ?? ""]));
  });
}

/** @returns when the director began that holds the VIP: of two it is the last, and gives the VIP up before */
export async function applySettings(
  run: DrillRun,
  what: string,
  settings: (director: LabNode) => Settings,
): Promise<number> {
  let began = run.now;
  for (const node of [...run.lab.directors].reverse()) {
    const which = run.lab.directors.length > 1 ? `${what} (${node.name})` : what;
    began = await applyTo(run, which, node, settings(node));
  }
  return began;
}

async function applyTo(run: DrillRun, what: string, { name }: LabNode, settings: Settings): Promise<number> {
  const payload = Object.entries(settings).reduce(
    (text, [key, value]) => replaceSetting(text, key, value),
    await run.ask(name, `[[ -e ${SAVED} ]] || cp -p ${PAYLOAD} ${SAVED}; cat ${PAYLOAD}`),
  );
  // Where it fails, the former one is started again.
  const timeout = 2 * directorRunLimit(run.lab) + 20;
  return run
    .act(what, name, INSTALL_AND_START, { stdin: payload, timeout })
    .catch((error: unknown) => broken(what, error));
}

/**
 * People want the guest's words, not the command.
 * @throws Broken when the script itself has failed: 255 is SSH's own
 */
function broken(what: string, error: unknown): never {
  if (!(error instanceof CommandError) || error.code === null || error.code === 255) throw error;
  const { code, words } = error;
  throw new Broken("script-failed", `${what}: the director's script ended with ${code}: ${words}`, {
    cause: error,
  });
}

/** Back to what `up` installed, if anything was changed. */
export async function restoreDirector(run: DrillRun): Promise<void> {
  for (const { name } of [...run.lab.directors].reverse()) await restoreOn(run, name);
}

async function restoreOn(run: DrillRun, name: string): Promise<void> {
  const limit = directorRunLimit(run.lab);
  const restored = run.shell.check(
    name,
    `if [[ -e ${SAVED} ]]; then cp -p ${SAVED} ${PAYLOAD}.new && mv -f ${PAYLOAD}.new ${PAYLOAD} && ` +
      `timeout -k 10 ${limit} ${PAYLOAD} start && rm ${SAVED}; fi`,
    { timeout: limit + 20 },
  );
  await restored.catch((error: unknown) => broken("back to what was applied", error));
}
