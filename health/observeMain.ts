/** For the program's `health` output: reads {access, settle} on stdin, prints the health as JSON. */
import { readFileSync } from "node:fs";
import type { Access } from "../model/lab/access";
import { ABSENT } from "../lib/hostPlace";
import { GuestShell } from "../lib/ssh";
import { observe } from "./observe";

/** Seconds for a cluster to come right after a change before it is reported as it is. */
const SETTLE = 45;
/** The same for one that serves, and cannot do more, since one of its hosts does not answer. */
const SETTLE_WITHOUT = 10;

async function main(): Promise<void> {
  const { access, settle } = JSON.parse(readFileSync(0, "utf8")) as { access: Access; settle: boolean };
  // Plain Pulumi has no command that would end what is kept.
  const keepOpen = process.env.LVS_DR_CONNECTIONS !== undefined;
  const limits = process.env[ABSENT] ? [SETTLE, SETTLE_WITHOUT] : [SETTLE];
  const shell = new GuestShell(access, access.lab, { keepOpen });
  try {
    process.stdout.write(JSON.stringify(await observe(shell, access.lab, ...(settle ? limits : []))));
  } finally {
    await shell.close();
  }
}

void main();
