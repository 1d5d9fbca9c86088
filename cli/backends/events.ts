/** The events of either engine: Pulumi's as it prints them, and what a preview foresees. */
import type { DiagnosticEvent, EngineEvent } from "@pulumi/pulumi/automation";
import { mask, type Properties } from "../../lib/properties";
import { nameOf, STACK_TYPE, typeOf } from "../../lib/urn";
import { DOMAIN, type Foreseen } from "./backend";

/**
 * An event of `pulumi up --json`, with its diagnostics as the embedded engine words them: of a resource by its name, in plain
 * severities. Undefined for a line that is not an event. One that says nothing stands for what nobody is to see.
 */
export function parseEvent(line: string): EngineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  let event: EngineEvent;
  try {
    event = JSON.parse(line) as EngineEvent;
  } catch {
    // Cut off with whoever wrote it; it may be the beginning of a debug message.
    return { sequence: 0, timestamp: 0 };
  }
  const { diagnosticEvent: said, ...rest } = event;
  // Debug messages carry every property in the clear, private keys included: they end here.
  if (said === undefined || String(said.severity) === "debug") return rest;
  const { urn = "", message, ephemeral } = said;
  const subject = urn === "" || ephemeral || typeOf(urn) === STACK_TYPE ? "" : `${nameOf(urn)}: `;
  // What it has printed on stderr is "info#err".
  const severity = said.severity.replace(/#.*/, "") as DiagnosticEvent["severity"];
  return { ...rest, diagnosticEvent: { ...said, severity, message: subject + message.trim() } };
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
