/** Who answers for the VIP on the server segment, asked by the last hop before the director: by ARP, or by NDP. */
import { parseArping, watchWhoHas } from "../health/arping";
import { nicOn } from "../model/lab/types";
import type { DrillRun } from "./drillRun";

const asking = ({ lastHop, lab }: DrillRun, seconds: number): string =>
  watchWhoHas(lab.services[0].vip, nicOn(lastHop, "server").device, seconds);

/** The MACs that answer now. */
export async function arpAnswers(run: DrillRun): Promise<string[]> {
  return parseArping(await run.ask(run.lastHop.name, `${asking(run, 3)} || true`));
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
): Promise<{ readonly heard: readonly Heard[]; readonly end: () => Promise<void> }> {
  const heard: Heard[] = [];
  // Until the end of its stdin.
  const command = `trap 'kill 0' EXIT; { ${asking(run, Math.ceil(seconds * run.scale))}; } & read -r _`;
  const stream = await run.program(run.lastHop.name, command, (t, line) => {
    for (const mac of parseArping(line)) heard.push({ t, mac });
  });
  return { heard, end: () => stream.end() };
}
