import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveProgress, PlainProgress, progressOn, type Progress } from "../../../../cli/backends/progress";
import type { DiagnosticEvent, EngineEvent, OpType, StepEventMetadata } from "@pulumi/pulumi/automation";

type Told = Omit<EngineEvent, "sequence" | "timestamp">;

const shown = (progress: Progress, ...events: Told[]): void =>
  events.forEach((event, sequence) => progress.show({ sequence, timestamp: 0, ...event }));

const step = (name: string, more: Partial<StepEventMetadata> = {}): { metadata: StepEventMetadata } => ({
  metadata: {
    op: "create" as OpType,
    urn: `urn:pulumi:dev::p::t::${name}`,
    type: "libvirt:index/domain:Domain",
    provider: "",
    ...more,
  },
});

const diagnostic = (message: string, more: Partial<DiagnosticEvent> = {}): Told => ({
  diagnosticEvent: { severity: "info", message, color: "never", ...more },
});

const diff = (...kinds: string[]): Partial<StepEventMetadata> => ({
  detailedDiff: Object.fromEntries(
    kinds.map((kind, index) => [`p${index}.x[0]`, { diffKind: kind as never, inputDiff: true }]),
  ),
});

/** Two domains one after the other, and what says nothing: components, the unchanged, replacements as such. */
function play(progress: Progress, wait: (ms: number) => void): void {
  shown(
    progress,
    { preludeEvent: { config: {} } },
    { resourcePreEvent: step("dev", { type: "pulumi:pulumi:Stack" }) },
    { resourcePreEvent: step("same", { op: "same" }) },
    { resourcePreEvent: step("rs1") },
  );
  wait(2000);
  shown(
    progress,
    { resourcePreEvent: step("rs2") },
    diagnostic("last attempt: Connection refused", { urn: step("rs2").metadata.urn, ephemeral: true }),
    diagnostic("nobody looks", { urn: "urn:elsewhere", ephemeral: true }),
  );
  wait(1000);
  shown(
    progress,
    { resOutputsEvent: step("rs1", diff("update", "add", "update-replace", "delete")) },
    { resOpFailedEvent: { ...step("rs2"), status: 0, steps: 0 } },
    diagnostic("rs2: no memory left", { severity: "error" }),
    { resOutputsEvent: step("same", { op: "same" }) },
    { resOutputsEvent: step("rs3", { op: "replace" }) },
    { resOutputsEvent: step("rs3", { op: "delete-replaced" }) },
    { summaryEvent: { maybeCorrupt: false, durationSeconds: 3, resourceChanges: {}, policyPacks: {} } },
  );
  progress.end();
}

const DONE = [
  "  create   Domain rs1 [diff: +p1-p3~p0,p2] 3.0 s",
  "  error: rs2: no memory left",
  "  delete-replaced Domain rs3 0.0 s",
];

it("is plain lines where there is no terminal: one for all that was done", async () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  play(new PlainProgress((line) => lines.push(line)), (ms) => vi.advanceTimersByTime(ms));
  vi.useRealTimers();
  expect(lines).toEqual(DONE);
  expect(await progressOn({ isTTY: false } as never)).toBeInstanceOf(PlainProgress);
  // A width of 0 would swallow every line.
  expect(await progressOn({ isTTY: true, columns: 0, rows: 0 } as never)).toBeInstanceOf(PlainProgress);
});

describe("on a terminal", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  let persisted: string[];
  let drawn: string[];
  function live(size = { columns: 80, rows: 24 }): LiveProgress {
    persisted = [];
    drawn = [];
    const screen = Object.assign((text: string) => void drawn.push(text), {
      clear: () => void drawn.push(""),
      persist: (text: string) => void persisted.push(text),
    });
    return new LiveProgress(screen, () => size);
  }

  it("shows what is under way with its seconds, redrawn; what was done stays above", () => {
    play(live(), (ms) => vi.advanceTimersByTime(ms));
    expect(persisted).toEqual(DONE);
    const seen = drawn.filter((text, index) => text !== drawn[index - 1]);
    expect(seen).toEqual([
      "",
      "> create   Domain rs1 0 s",
      "> create   Domain rs1 1 s",
      "> create   Domain rs1 2 s",
      "> create   Domain rs1 2 s\n> create   Domain rs2 0 s",
      "> create   Domain rs1 2 s\n> create   Domain rs2 0 s: last attempt: Connection refused",
      "> create   Domain rs1 3 s\n> create   Domain rs2 1 s: last attempt: Connection refused",
      "> create   Domain rs2 1 s: last attempt: Connection refused",
      "",
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("shows the program's own calls, too", () => {
    const progress = live();
    shown(progress, diagnostic("node health/observeMain.ts", { streamID: 1, ephemeral: true }));
    expect(drawn.at(-1)).toBe("> run      node health/observeMain.ts 0 s");
    shown(progress, diagnostic("", { streamID: 1, ephemeral: true }));
    expect(drawn.at(-1)).toBe("");
    progress.end();
  });

  it("stays within the terminal", () => {
    const progress = live({ columns: 20, rows: 5 });
    for (const name of ["a", "b", "c", "d", "e"]) shown(progress, { resourcePreEvent: step(name) });
    expect(drawn.at(-1)).toBe("> create   Domain a\n> create   Domain b\n> and 3 more");
    progress.end();
  });
});
