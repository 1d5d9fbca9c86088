import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { gcd, turnBounds } from "../../../model/director/ipvs/turns";
import { binomialBound } from "../../../verify/checks/binomial";
import type { Finding } from "../../../verify/checks/check";
import { judgeCount, judgeGroup, parseCount } from "../../../verify/checks/weights";
import { LAB } from "../report/fixtures";

const [SERVICE] = LAB.services;
const failing = (findings: readonly Finding[]): string[] =>
  findings.filter(({ status }) => status === "fail").map(({ name }) => name);

describe("binomialBound", () => {
  it("is the textbook's for a fair coin", () => {
    // P(X <= 1) = 11/1024, P(X = 0) = 1/1024.
    expect(binomialBound(10, 0.5, 0.02)).toEqual({ low: 1, high: 9 });
    expect(binomialBound(10, 0.5, 0.03)).toEqual({ low: 2, high: 8 });
  });
  it("holds the mean, and grows with certainty", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (n, p) => {
          const loose = binomialBound(n, p, 1e-6);
          const tight = binomialBound(n, p, 1e-2);
          expect(loose.low).toBeLessThanOrEqual(tight.low);
          expect(loose.high).toBeGreaterThanOrEqual(tight.high);
          expect(tight.low).toBeLessThanOrEqual(Math.ceil(n * p));
          expect(tight.high).toBeGreaterThanOrEqual(Math.floor(n * p));
        },
      ),
    );
  });
});

describe("weights", () => {
  it("passes what wrr gives, and fails a 1:1 share", () => {
    const good = parseCount("     60 200 rs1\n    180 200 rs2\n");
    expect(good).toEqual({ sent: 240, answers: { rs1: 60, rs2: 180 }, failed: 0 });
    expect(failing(judgeCount(LAB, SERVICE, good, 240))).toEqual([]);
    const even = { sent: 240, answers: { rs1: 120, rs2: 120 }, failed: 0 };
    expect(failing(judgeCount(LAB, SERVICE, even, 240))).toEqual(["weights.main.shares"]);
  });
  it("counts what failed and who should not have answered", () => {
    const count = parseCount("     1 000 \n     2 200 director\n    60 200 rs1\n   177 200 rs2\n");
    expect(count.failed).toBe(1);
    const [answers] = judgeCount(LAB, SERVICE, count, 240);
    expect(answers).toMatchObject({
      status: "fail",
      fix: expect.stringContaining("director should not serve") as string,
    });
  });
  it("wants one real server at every port of a group", () => {
    const urls = ["http://10.0.0.100:80/", "https://10.0.0.100:443/"];
    const judged = (...counts: object[]) =>
      judgeGroup(LAB, SERVICE, urls, counts as Parameters<typeof judgeGroup>[3]).status;
    const of = (answers: object, failed = 0) => ({ sent: 8, answers, failed });
    expect(judged(of({ rs1: 8 }), of({ rs1: 8 }))).toBe("pass");
    expect(judged(of({ rs1: 8 }), of({ rs2: 8 }))).toBe("fail");
    expect(judged(of({ rs1: 8 }), of({ rs1: 7 }, 1))).toBe("fail");
    expect(judged(of({ rs1: 8 }), { sent: 0, answers: {}, failed: 0 })).toBe("fail");
    expect(judged(of({ rs1: 8 }))).toBe("fail");
  });
  it("asks for stickiness under persistence, and promises nothing for other schedulers", () => {
    const sticky = { ...SERVICE, persistent: 600 };
    expect(failing(judgeCount(LAB, sticky, { sent: 240, answers: { rs2: 240 }, failed: 0 }, 240))).toEqual(
      [],
    );
    const spread = { sent: 240, answers: { rs1: 60, rs2: 180 }, failed: 0 };
    expect(failing(judgeCount(LAB, sticky, spread, 240))).toEqual(["weights.main.shares"]);
    const [, shares] = judgeCount(
      LAB,
      { ...SERVICE, scheduler: "sh" },
      { sent: 240, answers: { rs2: 240 }, failed: 0 },
      240,
    );
    expect(shares?.status).toBe("skip");
  });
});

describe("turns", () => {
  /** As the kernel's wrr serves, from any point of its round. */
  const served = (weights: readonly number[], from: number, requests: number): number[] => {
    const unit = weights.reduce(gcd, 0);
    const counts = weights.map(() => 0);
    let [i, step, at] = [-1, 0, 0];
    while (at < from + requests) {
      i = (i + 1) % weights.length;
      if (i === 0) step = step <= unit ? Math.max(...weights) : step - unit;
      if ((weights[i] ?? 0) < step) continue;
      if (at++ >= from) counts[i] = (counts[i] ?? 0) + 1;
    }
    return counts;
  };
  const judged = (weights: readonly number[], counts: readonly number[]): string[] => {
    const realServers = weights.map((weight) => ({ weight }));
    const lab = parseConfig({ realServers }, { project: "lvs-dr", stack: "unit" });
    const answers = Object.fromEntries(counts.map((count, i) => [`rs${i + 1}`, count]));
    return failing(judgeCount(lab, lab.services[0], { sent: 240, answers, failed: 0 }, 240));
  };
  it.each([[[255, 128]], [[300, 101]], [[1000, 333]], [[128, 255, 7]], [[1, 3]]])(
    "of a sound wrr are no fault, wherever the counting begins: %j",
    (weights) => {
      const round = weights.reduce((sum, weight) => sum + weight, 0);
      for (let from = 0; from < round; from += 7) {
        const counts = served(weights, from, 240);
        expect([from, counts, judged(weights, counts)]).toEqual([from, counts, []]);
      }
    },
  );
  it("still tell a wrong weight", () => {
    expect(judged([255, 128], [240, 0])).toEqual(["weights.main.shares"]);
    expect(judged([255, 128], [60, 180])).toEqual(["weights.main.shares"]);
    // Exact, but for who comes first within a step.
    expect(turnBounds([1, 3, 0], 240)).toEqual([
      { low: 58, high: 62 },
      { low: 178, high: 182 },
      { low: 0, high: 0 },
    ]);
  });
});
