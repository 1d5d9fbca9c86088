/** Results for people, and for CI. */
import type { JunitCase } from "../lib/junit";
import type { Drill } from "./drill";
import type { DrillOutcome, DrillResult, Limit, RunSummary } from "./types";

function limitText({ max, min }: Limit): string {
  return [max === undefined ? "" : `at most ${max}`, min === undefined ? "" : `at least ${min}`]
    .filter(Boolean)
    .join(", ");
}

/** detectionSeconds → "detection", " s"; lostAfterRetry → "lost after retry", "". */
export function figureName(key: string): { readonly label: string; readonly unit: string } {
  const words = key.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  const [, label = words, unit] = /^(.*?) (seconds|ms)$/.exec(words) ?? [];
  return { label, unit: unit === undefined ? "" : unit === "ms" ? " ms" : " s" };
}

function figureText(name: string, value: number | null): string {
  const { label, unit } = figureName(name);
  return value === null ? `${label}: never` : `${label} ${value}${unit}`;
}

export function renderResult(result: DrillResult): string {
  const faults = result.runs.filter(({ kind }) => kind === "fault").length;
  const lines = [`${result.verdict === "pass" ? "ok  " : "FAIL"} ${result.name}: ${result.description}`];
  for (const [name, value] of Object.entries(result.figures)) {
    const limit = result.limits[name];
    const spread = result.distributions[name];
    const many =
      faults > 1 && spread ? `  n ${spread.n}, median ${spread.median}, worst ${spread.worst}` : "";
    if (limit !== undefined || many !== "" || /Seconds$|^failed$/.test(name))
      lines.push(`       ${figureText(name, value)}${limit ? ` (${limitText(limit)})` : ""}${many}`);
  }
  const answers = Object.entries(result.load.answeredBy).map(([who, n]) => `${who} ${n}`);
  if (answers.length > 0) lines.push(`       answered by: ${answers.join(", ")}`);
  lines.push(...result.failures.map((failure) => `     ! ${failure}`));
  for (const run of result.runs) {
    if (run.kind === "control")
      lines.push(`       without the fault: ${run.verdict === "pass" ? "nothing failed" : "failed"}`);
    if (run.kind === "sabotage") lines.push(`       sabotaged: ${sabotageText(run)}`);
  }
  return lines.join("\n");
}

function sabotageText({ verdict, asItShould, failures, error }: RunSummary): string {
  if (asItShould) return `failed, as it must: ${failures.join("; ")}`;
  if (error !== undefined) return "cannot be told";
  return verdict === "pass" ? "passed" : "failed for another reason";
}

export function renderList(drills: readonly Drill[]): string {
  const width = Math.max(...drills.map(({ name }) => name.length));
  return drills
    .map(({ name, description, standard }) => `${standard ? "*" : " "} ${name.padEnd(width)}  ${description}`)
    .join("\n");
}

/** For programs: what `--list` shows. */
export function listOf(drills: readonly Drill[]): object[] {
  return drills.map(({ name, description, standard = false, sabotage }) => ({
    name,
    description,
    standard,
    sabotage: sabotage.what,
  }));
}

/** One test case a drill. */
export function junitCases(outcomes: readonly DrillOutcome[]): JunitCase[] {
  return outcomes.map((outcome) => {
    const { name } = outcome;
    const seconds = "seconds" in outcome ? outcome.seconds : 0;
    if (outcome.verdict === "skip") return { group: "drill", name, seconds, skipped: outcome.reason };
    const { verdict, failures } = outcome;
    const failure = { message: failures[0] ?? "", text: failures.join("\n") };
    return { group: "drill", name, seconds, ...(verdict !== "pass" && { failure }) };
  });
}
