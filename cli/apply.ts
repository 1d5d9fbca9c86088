/** `scripts/lab up`, `preview` and `down`: what makes, changes or ends a stack. */
import { rmSync } from "node:fs";
import { PROJECT } from "../model/naming";
import { renderHealth } from "../verify/healthText";
import { recordApplied } from "./applied";
import { audit } from "./audit";
import type { ChangeCounts } from "./backend";
import { StackContext, type StackOptions } from "./context";
import { publicOutputs } from "./outputs";
import { repairGuests, repairLibvirt } from "./repair";
import { stackLab } from "./stackLab";
import { printJson, say, seconds } from "./terminal";

function summary(counts: ChangeCounts): string {
  const parts = Object.entries(counts).map(([op, count]) => `${count} ${op}`);
  return parts.length > 0 ? parts.join(", ") : "nothing to do";
}

/** Prints the outputs when all is as meant. */
export async function up(options: StackOptions): Promise<void> {
  const started = Date.now();
  const context = new StackContext(options);
  // Before anything is touched; the program itself checks again, and the host too.
  const lab = stackLab(PROJECT, options.stack);
  await repairLibvirt(context.virsh, context.names(), say);
  recordApplied(context.directory, lab);
  if ((await context.backend.exists()) && (await context.backend.outputs()).access !== undefined) {
    await context.withGuests((shell, applied) => repairGuests(shell, applied, say));
  }
  context.announce("up:");
  const counts = await context.backend.up();
  const outputs = publicOutputs(await context.outputs());
  say(`up in ${seconds(started)}: ${summary(counts)}`);
  if (outputs.health) say(renderHealth(outputs.health));
  printJson(outputs);
}

export async function preview(options: StackOptions): Promise<void> {
  stackLab(PROJECT, options.stack);
  const context = new StackContext(options);
  context.announce("preview:");
  say(`would: ${summary(await context.backend.preview())}`);
}

/** @throws Error naming what is left */
export async function down(options: StackOptions): Promise<void> {
  const started = Date.now();
  const context = new StackContext(options);
  const names = context.names();
  context.announce("down:");
  // A frozen guest would survive its own undefinition; none needs a shutdown now.
  for (const [domain, state] of await context.virsh.domains(names)) {
    if (state !== "shut off")
      await context.virsh.run("destroy", domain).catch((error: Error) => say(error.message));
  }
  context.forgetGuests();
  const counts = await context.backend.destroy();
  rmSync(context.directory, { recursive: true, force: true });
  say(`down in ${seconds(started)}: ${summary(counts)}`);
  const left = await audit(context.virsh, { ...names, directory: context.directory });
  if (left.length > 0) throw new Error(`left of stack ${options.stack}:\n  ${left.join("\n  ")}`);
  say("audit: nothing is left");
}
