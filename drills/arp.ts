/** Who answers ARP requests for the VIP on the server segment, asked by the router. */
import { parseArping } from "../health/arping";
import { nicOn } from "../model/lab/types";
import type { DrillRun } from "./drillRun";

// -b: all broadcast, or the first to answer would be asked alone.
const arping = ({ router, lab }: DrillRun, ...options: string[]): string =>
  `arping -b -I ${nicOn(router, "server").device} ${options.join(" ")} ${lab.services[0].vip}`;

/** The MACs that answer now. */
export async function arpAnswers(run: DrillRun): Promise<string[]> {
  return parseArping(await run.ask(run.router.name, `${arping(run, "-c 3", "-w 4")} || true`));
}

export interface Heard {
  /** Seconds since the run began. */
  readonly t: number;
  readonly mac: string;
}

/**
 * Listens who answers, asking once a second.
 * @param seconds at the longest, before scaling
 */
export async function watchArp(
  run: DrillRun,
  seconds: number,
): Promise<{ readonly heard: readonly Heard[]; readonly end: () => void }> {
  const heard: Heard[] = [];
  // Each answer with the time at which it came.
  const command = `stdbuf -oL ${arping(run, `-w ${Math.ceil(seconds * run.scale)}`)} | while read -r line; do echo "$EPOCHREALTIME $line"; done`;
  const stream = await run.program(run.router.name, command, (t, line) => {
    for (const mac of parseArping(line)) heard.push({ t, mac });
  });
  return { heard, end: () => stream.kill() };
}
