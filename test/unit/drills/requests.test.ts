import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distribution, median, parseRequest, RequestLog } from "../../../drills/requests";
import type { RequestRecord } from "../../../drills/types";

function request(seq: number, t: number, outcome: string, attempt = 1, latencyMs = 10): RequestRecord {
  return { seq, attempt, t, latencyMs, ok: !outcome.startsWith("error:"), outcome };
}

describe("parseRequest", () => {
  const toRun = (time: number): number => time - 100;

  it.each([
    ["7 1 112.5000 3.5 ok rs1", request(7, 12.5, "rs1", 1, 3.5)],
    ["7 2 112.5000 3.5 ok director", request(7, 12.5, "sorry", 2, 3.5)],
    ["8 1 113.0000 5001.0 error timeout", request(8, 13, "error:timeout", 1, 5001)],
  ])("reads %s", (line, record) => {
    expect(parseRequest(line, toRun, ["director"])).toEqual(record);
  });

  it.each(["end 12", "", "perl: warning", "7 1 112.5 3.5 maybe rs1"])("takes '%s' for no request", (line) => {
    expect(parseRequest(line, toRun, ["director"])).toBeUndefined();
  });
});

describe("RequestLog", () => {
  const log = new RequestLog([
    request(2, 0.2, "error:timeout"),
    request(0, 0, "rs1"),
    request(1, 0.1, "error:refused"),
    request(1, 0.11, "rs2", 2),
    request(2, 5.2, "error:timeout", 2),
    request(3, 6, "sorry", 1, 1500),
  ]);

  it("tells failed from lost, and counts who answered", () => {
    expect(log.failed.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(log.lost.map(({ seq }) => seq)).toEqual([2]);
    expect(log.answeredBy).toEqual({ rs1: 1, sorry: 1 });
    expect(log.errors).toEqual({ refused: 1, timeout: 1 });
    expect(log.figures(1000)).toMatchObject({
      requests: 4,
      failed: 2,
      retried: 2,
      lostAfterRetry: 1,
      slow: 1,
    });
  });

  it("measures the longest time without a good answer, retries included", () => {
    // From the retry's answer at 0.12 to the sorry server's at 7.5.
    expect(log.longestGap).toBeCloseTo(7.38);
  });

  it("keeps retries with what they repeat when it is cut", () => {
    const cut = log.between(0.05, 0.15);
    expect(cut.first.map(({ seq }) => seq)).toEqual([1]);
    expect(cut.retries.map(({ seq }) => seq)).toEqual([1]);
    expect(cut.lost).toEqual([]);
  });

  it("has figures for no request at all", () => {
    expect(new RequestLog([]).figures(1000)).toMatchObject({
      requests: 0,
      longestGapSeconds: 0,
      medianLatencyMs: null,
    });
  });
});

describe("distribution", () => {
  it("gives the worst, not the best", () => {
    expect(distribution([1, 3, 2])).toEqual({ n: 3, median: 2, worst: 3 });
    expect(distribution([99.5, 98, 100], true)).toEqual({ n: 3, median: 99.5, worst: 98 });
  });

  it("leaves out what never came to be", () => {
    expect(distribution([null, 4])).toEqual({ n: 1, median: 4, worst: 4 });
    expect(distribution([null])).toBeUndefined();
  });

  it("has its median between the extremes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (values) => {
        const middle = median(values);
        expect(middle).toBeGreaterThanOrEqual(Math.min(...values));
        expect(middle).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });
});
