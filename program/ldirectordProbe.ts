import { scriptWord } from "../lib/scripts";
import { expectedTable, parseIpvsSave } from "../model/director/ipvs/table";
import { compareTables } from "../model/director/ipvs/compare";
import { controlPlane } from "../model/director/controlPlane";
import type { Lab } from "../model/lab/types";
import { hostScript } from "./hostProbe";
import { refusal } from "./refusal";

/** The table it would make, or its complaint and how it ended. */
export const DRY_RUN = `bash ${scriptWord("host/ldirectord-dry-run.sh")} - 2>&1 || echo "exit $?"`;
const NOT_INSTALLED = "exit 3";

/**
 * Has this host's own ldirectord, if it has one, read the configuration and say what table it would make of it: whatever
 * it takes otherwise than the model is refused before any resource. In the guest the director's does the same.
 * @throws pulumi.RunError with its words, or with how the tables differ
 */
export async function assertLdirectord(lab: Lab): Promise<void> {
  const configuration = controlPlane(lab).configuration?.(lab);
  if (configuration === undefined) return;
  const lines = (await hostScript(DRY_RUN, {}, configuration)).split("\n");
  const exit = lines.at(-1)?.startsWith("exit ") ? lines.pop() : undefined;
  if (exit === NOT_INSTALLED) return;
  const problems =
    exit === undefined
      ? compareTables(parseIpvsSave(lines.join("\n")), expectedTable(lab), lab).map(({ text }) => text)
      : lines;
  if (problems.length === 0) return;
  throw refusal(
    ["ldirectord on this host does not make of the configuration what is expected:", ...problems].join(
      "\n  ",
    ),
  );
}
