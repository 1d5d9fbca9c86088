/** What a preview foresees, from the events of either engine. */
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { mask, type Properties } from "../../lib/properties";
import { nameOf, STACK_TYPE } from "../../lib/urn";
import { DOMAIN, type Foreseen } from "./backend";

/** Events that Pulumi has logged: one JSON value a line. */
export function parseEvents(log: string): EngineEvent[] {
  return log
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as EngineEvent);
}

export function foreseen(events: readonly EngineEvent[]): Foreseen {
  const stack = events.findLast(({ resOutputsEvent }) => resOutputsEvent?.metadata.type === STACK_TYPE);
  const restarts = events.flatMap(({ resourcePreEvent }) => {
    const { op = "", urn = "", type } = resourcePreEvent?.metadata ?? {};
    return type === DOMAIN && ["update", "replace"].includes(op) ? [nameOf(urn)] : [];
  });
  const outputs = (stack?.resOutputsEvent?.metadata.new?.outputs ?? {}) as Properties;
  return {
    restarts: [...new Set(restarts)],
    counts: events.findLast(({ summaryEvent }) => summaryEvent)?.summaryEvent?.resourceChanges ?? {},
    outputs: mask(outputs) as Foreseen["outputs"],
  };
}
