/** What a Pulumi preview foresees, from the events that it logs: one JSON value a line. */
import { STACK_TYPE } from "../engine/goal";
import { mask, type Value } from "../engine/values";
import type { Foreseen } from "./backend";

interface LoggedEvent {
  readonly resOutputsEvent?: {
    readonly metadata?: {
      readonly type?: string;
      readonly new?: { readonly outputs?: Readonly<Record<string, Value>> } | null;
    };
  };
  readonly summaryEvent?: { readonly resourceChanges?: Foreseen["counts"] };
}

export function foreseen(log: string): Foreseen {
  const events = log
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LoggedEvent);
  const stack = events.findLast(({ resOutputsEvent }) => resOutputsEvent?.metadata?.type === STACK_TYPE);
  return {
    counts: events.findLast(({ summaryEvent }) => summaryEvent)?.summaryEvent?.resourceChanges ?? {},
    outputs: mask(stack?.resOutputsEvent?.metadata?.new?.outputs ?? {}) as Foreseen["outputs"],
  };
}
