/** Children in a session of their own: Ctrl-C does not reach them, so this program has to see to their end. */
import type { ChildProcess } from "node:child_process";

const alive = new Set<ChildProcess>();
let watched = false;

function endAll(): void {
  for (const child of alive) child.kill("SIGKILL");
}

/** Ends a child at the latest with this program. For children that were spawned with `detached`. */
export function endWithProgram<T extends ChildProcess>(child: T): T {
  if (!watched) process.on("exit", endAll);
  watched = true;
  alive.add(child);
  for (const over of ["exit", "error"]) child.once(over, () => alive.delete(child));
  return child;
}
