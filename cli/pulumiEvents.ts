/** What a Pulumi preview foresees, from the events that it logs: one JSON value a line. */
import { nameOf } from "../engine/events";
import { STACK_TYPE } from "../engine/goal";
import { mask, type Value } from "../engine/values";
import { DOMAIN, type Foreseen } from "./backend";

interface LoggedEvent {
  readonly resourcePreEvent?: {
    readonly metadata?: { readonly op?: string; readonly urn?: string; readonly type?: string };
  };
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
  const restarts = events.flatMap(({ resourcePreEvent }) => {
    const { op = "", urn = "", type } = resourcePreEvent?.metadata ?? {};
    return type === DOMAIN && ["update", "replace"].includes(op) ? [nameOf(urn)] : [];
  });
  return {
    restarts: [...new Set(restarts)],
    counts: events.findLast(({ summaryEvent }) => summaryEvent)?.summaryEvent?.resourceChanges ?? {},
    outputs: mask(stack?.resOutputsEvent?.metadata?.new?.outputs ?? {}) as Foreseen["outputs"],
  };
}
