/** Power over a stack's two directors, on this host: what a boot ends, and what no state knows of. */
import { existsSync } from "node:fs";
import { exec } from "../../lib/process";
import { scriptPath } from "../../lib/scripts";
import { fencingFiles, fencingPlace, hasFencing } from "../../model/director/pacemaker/fencing";
import type { Lab } from "../../model/lab/types";

async function run(verb: "start" | "stop", place: string, stdin = ""): Promise<string> {
  const script = scriptPath("host/fence.sh");
  const { code, stdout, stderr } = await exec("bash", [script, verb, place], { stdin });
  if (code !== 0) throw new Error(stderr.trim());
  return stdout.trim();
}

/** Starts it again, after a boot of the host perhaps: no provider looks at what a command has started. */
export async function repairFencing(lab: Lab, say: (line: string) => void): Promise<void> {
  if (!hasFencing(lab) || lab.authority === undefined) return;
  const said = await run("start", fencingPlace(lab), fencingFiles(lab)).catch(
    (error: unknown) => (error as Error).message,
  );
  if (said !== "") say(said);
}

/** Ends it where the state has not. */
export async function endFencing(stack: string): Promise<void> {
  const place = fencingPlace({ stack });
  if (existsSync(place)) await run("stop", place);
}
