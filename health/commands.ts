/** What a machine that exists may lack, and a guest has. */
import { askEach } from "../lib/askEach";
import type { Shell } from "../lib/ssh";
import type { LabNode } from "../model/lab/types";

/**
 * What machines that exist lack of the commands that a check needs there, beside those of their roles; undefined when nothing is. A guest has
 * them all.
 */
export async function lacksCommand(
  shell: Shell,
  needs: readonly (readonly [node: LabNode, ...commands: string[]])[],
): Promise<string | undefined> {
  const machines = needs.filter(([{ ssh }]) => ssh !== undefined);
  const lacking = await askEach(machines, async ([{ name }, ...commands]) => {
    const script = `for each in ${commands.join(" ")}; do command -v "$each" >/dev/null || echo "$each"; done`;
    const { stdout } = await shell.run(name, script);
    return stdout.split("\n").flatMap((each) => (each === "" ? [] : [`there is no ${each} on ${name}`]));
  });
  return lacking.flat().join("; ") || undefined;
}
