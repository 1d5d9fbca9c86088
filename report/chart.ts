/** A drill's timeline: who answered how many requests a second, with what happened when. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { isError } from "../drills/requests";
import type { DrillEvent, DrillResult, LoadRecord } from "../drills/types";
import { Markup } from "./html";

export type EventKind = "fault" | "table" | "other";

export interface MarkedEvent extends Omit<DrillEvent, "kind"> {
  readonly number: number;
  readonly kind: EventKind;
}

/** The fault is the first thing done once the load is steady. */
export function markEvents(events: readonly DrillEvent[]): MarkedEvent[] {
  const steady = events.findIndex(({ kind }) => kind === "steady");
  const fault = steady < 0 ? -1 : events.findIndex(({ kind }, i) => i > steady && kind !== "table");
  return events.map((event, i) => ({
    ...event,
    number: i + 1,
    kind: event.kind === "table" ? "table" : i === fault ? "fault" : "other",
  }));
}

/** Who answered a request, or that nobody did. */
export function whoOf([, , outcome]: LoadRecord["requests"][number]): string {
  return isError(outcome) ? "failed" : outcome;
}

/** Who answered, in the order in which it is stacked: real servers, the sorry server, then what failed. */
export function outcomesOf(result: DrillResult): string[] {
  const all = [...new Set(result.load.requests.map(whoOf))];
  const rank = (who: string): string => `${who === "failed" ? 2 : who === "sorry" ? 1 : 0}${who}`;
  return all.sort((a, b) => rank(a).localeCompare(rank(b), "en", { numeric: true }));
}

/** CSS colour; the variables are the page's, for light and for dark. */
export function colourOf(who: string, servers: readonly string[]): string {
  if (who === "failed") return "var(--bad)";
  if (who === "sorry") return "var(--warn)";
  return `var(--series-${Math.max(0, servers.indexOf(who)) % 6})`;
}

interface Bar {
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
  readonly who: string;
}

/** Requests a second by who answered, stacked; the bars' areas add up to the requests. */
export function stackBars(result: DrillResult): Bar[] {
  const { requests } = result.load;
  const end = Math.max(...requests.map(([t]) => t));
  const step = end > 60 ? 2 : 1;
  const outcomes = outcomesOf(result);
  const bars: Bar[] = [];
  for (let from = 0; from <= end; from += step) {
    const within = requests.filter(([t]) => t >= from && t < from + step);
    let y1 = 0;
    for (const who of outcomes) {
      const count = within.filter((request) => whoOf(request) === who).length;
      if (count === 0) continue;
      const y2 = y1 + count / step;
      bars.push({ x1: from, x2: from + step, y1, y2, who });
      y1 = y2;
    }
  }
  return bars;
}

/** Neighbours in time step aside for one another: every other number stands higher. */
function numbers(events: readonly MarkedEvent[], row: 0 | 1): Plot.Text {
  const own = events.filter(({ number }) => number % 2 === row);
  return Plot.text(own, {
    x: "t",
    text: (event: MarkedEvent) => String(event.number),
    frameAnchor: "top",
    dy: row === 0 ? -21 : -8,
    fill: "currentColor",
  });
}

const HEIGHT = 220;
const WIDTH = 480;

/** @param servers names in the lab's order, which is that of the colours */
export function renderTimeline(result: DrillResult, servers: readonly string[]): Markup | undefined {
  if (result.load.requests.length === 0) return undefined;
  const { document } = parseHTML("<html><body></body></html>");
  const bars = stackBars(result);
  const events = markEvents(result.events);
  const top = Math.max(...bars.map(({ y2 }) => y2));
  const line = (kind: EventKind): Plot.RuleX =>
    Plot.ruleX(
      events.filter((event) => event.kind === kind),
      {
        x: "t",
        stroke: kind === "fault" ? "var(--bad)" : "currentColor",
        strokeWidth: kind === "fault" ? 2 : 1,
        ...(kind === "table" ? { strokeDasharray: "2,3" } : {}),
      },
    );
  const svg = Plot.plot({
    document: document as never,
    width: WIDTH,
    height: HEIGHT,
    marginTop: 36,
    marginBottom: 34,
    marginLeft: 40,
    style: { fontSize: "12px" },
    color: { type: "identity" },
    x: { label: "seconds", domain: [0, Math.max(result.seconds, ...bars.map(({ x2 }) => x2))] },
    y: { label: "requests/s", grid: true, domain: [0, top * 1.05], ticks: 4 },
    marks: [
      Plot.rect(bars, {
        x1: "x1",
        x2: "x2",
        y1: "y1",
        y2: "y2",
        insetRight: 1,
        fill: (bar: Bar) => colourOf(bar.who, servers),
      }),
      Plot.ruleY([0]),
      line("table"),
      line("other"),
      line("fault"),
      numbers(events, 0),
      numbers(events, 1),
    ],
  });
  svg.setAttribute("role", "img");
  svg.setAttribute(
    "aria-label",
    `${result.name}: requests a second by who answered, over ${result.seconds.toFixed(0)} seconds`,
  );
  return new Markup(svg.outerHTML);
}
