import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveProgress, PlainProgress, progressOn, type Progress } from "../../../cli/progress";
import type { EngineEvent } from "../../../engine";

type Resource = Extract<EngineEvent, { type: "resource" }>;

const resource = (phase: "pre" | "post", name: string, more: Partial<Resource> = {}): Resource => ({
  type: "resource",
  phase,
  op: "create",
  urn: `urn:${name}`,
  resourceType: "libvirt:index/domain:Domain",
  name,
  reasons: [],
  ...more,
});

/** Two domains one after the other, and what says nothing: components, the unchanged, the skipped. */
function play(progress: Progress, wait: (ms: number) => void): void {
  progress.show(resource("pre", "dev", { resourceType: "pulumi:pulumi:Stack" }));
  progress.show(resource("pre", "same", { op: "same" }));
  progress.show(resource("pre", "rs1", { reasons: ["memory 256 → 512"] }));
  wait(2000);
  progress.show(resource("pre", "rs2"));
  progress.show({ type: "status", urn: "urn:rs2", message: "last attempt: Connection refused" });
  progress.show({ type: "status", urn: "urn:elsewhere", message: "nobody looks" });
  wait(1000);
  progress.show(resource("post", "rs1", { seconds: 3.04, reasons: ["memory 256 → 512"] }));
  progress.show(resource("post", "rs2", { seconds: 1, error: "no memory left" }));
  progress.show({ type: "diagnostic", severity: "error", message: "rs2: no memory left" });
  progress.show(resource("post", "same", { op: "same", seconds: 0 }));
  progress.show({
    type: "summary",
    action: "up",
    ok: false,
    seconds: 3,
    counts: { create: 1, update: 0, replace: 0, delete: 0, same: 1, refresh: 0, skip: 0 },
  });
  progress.end();
}

const DONE = ["  create   Domain rs1 (memory 256 → 512) 3.0 s", "  error: rs2: no memory left"];

it("is plain lines where there is no terminal: one for all that was done", async () => {
  const lines: string[] = [];
  play(new PlainProgress((line) => lines.push(line)), () => undefined);
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
    progress.show({ type: "invoke", phase: "pre", id: "1", what: "node health/observeMain.ts" });
    expect(drawn.at(-1)).toBe("> run      node health/observeMain.ts 0 s");
    progress.show({ type: "invoke", phase: "post", id: "1", what: "node health/observeMain.ts" });
    expect(drawn.at(-1)).toBe("");
    progress.end();
  });

  it("stays within the terminal", () => {
    const progress = live({ columns: 20, rows: 5 });
    for (const name of ["a", "b", "c", "d", "e"]) progress.show(resource("pre", name));
    expect(drawn.at(-1)).toBe("> create   Domain a\n> create   Domain b\n> and 3 more");
    progress.end();
  });
});
