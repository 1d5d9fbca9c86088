/** Waiting that Ctrl-C ends, and how a run may end early. */
import { setTimeout as sleep } from "node:timers/promises";

/** The lab did not do what it should: the run ends here and has failed. Any other error says only that it cannot be told. */
export class Broken extends Error {
  constructor(
    /** Of the failure, as `RunRecord.fail` takes it. */
    readonly code: string,
    sentence: string,
    options?: ErrorOptions,
  ) {
    super(sentence, options);
  }
}

/** Somebody pressed Ctrl-C. */
export class Interrupted extends Error {}

/** @throws Interrupted */
export async function interruptibleSleep(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => {
    throw new Interrupted();
  });
}

/**
 * Waits for work that cannot be ended, but not longer than until Ctrl-C.
 * @throws Interrupted
 */
export async function interruptible<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let interrupted: () => void = () => undefined;
  const abort = new Promise<never>((_, fail) => {
    interrupted = () => fail(new Interrupted());
    if (signal.aborted) interrupted();
    signal.addEventListener("abort", interrupted, { once: true });
  });
  // Whoever waits no longer must not be told of its failure either.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, abort]);
  } finally {
    signal.removeEventListener("abort", interrupted);
  }
}
