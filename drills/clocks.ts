/** How far a guest's clock is from the host's: a guest takes the time from its RTC at boot, to the second only. */
import type { GuestShell } from "../lib/ssh";
import { Stream } from "./stream";

const ROUNDS = 8;
/** Milliseconds after which a guest that does not answer has no clock to read. */
const LIMIT = 30_000;

export interface ClockReading {
  /** Seconds to add to the host's time to get the guest's. */
  readonly offset: number;
  /** Half of the round trip, seconds: the reading is not better than this. */
  readonly uncertainty: number;
}

/** The reading with the shortest round trip of several. */
export function bestReading(readings: readonly (readonly [number, number, number])[]): ClockReading {
  const [best] = readings
    .map(([asked, guest, answered]) => ({
      offset: guest - (asked + answered) / 2,
      uncertainty: (answered - asked) / 2,
    }))
    .sort((a, b) => a.uncertainty - b.uncertainty);
  if (best === undefined) throw new Error("no reading of the clock");
  return best;
}

export async function readClock(shell: GuestShell, node: string): Promise<ClockReading> {
  const readings: (readonly [number, number, number])[] = [];
  let answer: (line: string) => void = () => undefined;
  const stream = new Stream(shell, node, 'while read -r _; do echo "$EPOCHREALTIME"; done', (line) =>
    answer(line),
  );
  const timer = setTimeout(() => stream.kill(), LIMIT);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const asked = Date.now() / 1000;
      const line = new Promise<string>((done, fail) => {
        answer = done;
        void stream.ended.then(() => fail(new Error(`${node}: cannot be asked for its time`)));
      });
      stream.write("\n");
      const guest = Number(await line);
      // The first one may have waited for the connection and the shell's start.
      if (round > 0) readings.push([asked, guest, Date.now() / 1000]);
    }
  } finally {
    clearTimeout(timer);
    await stream.end(2000);
  }
  return bestReading(readings);
}
