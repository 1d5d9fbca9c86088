/** Verify's results as people and as CI servers read them. */
import type { CheckResult } from "./checks/check";
import { renderJunit } from "../lib/junit";
import type { VerifyReport } from "./verify";

const MARK = { pass: "ok  ", fail: "FAIL", skip: "skip" } as const;

function indented(label: string, text: string): string {
  return `       ${label.padEnd(9)}${text.split("\n").join(`\n${" ".repeat(16)}`)}`;
}

/** What was run, seen and expected, and the likely fix; for a failure. */
function evidenceLines({ evidence, fix }: CheckResult): string[] {
  return [
    indented("on", evidence.where),
    indented("command", evidence.command),
    indented("seen", evidence.seen),
    indented("expected", evidence.expected),
    ...(fix ? [indented("fix", fix)] : []),
  ];
}

/** One line for a check; a failure brings its evidence along. */
export function renderCheck(check: CheckResult): string {
  const { status, title, name, evidence, attempts, seconds } = check;
  if (status === "skip") return `${MARK.skip} ${title}: ${evidence.seen}`;
  const tries = attempts > 1 ? `, ${attempts} looks in ${seconds.toFixed(1)} s` : "";
  const line = `${MARK[status]} ${title} (${name}${tries})`;
  return status === "fail" ? [line, ...evidenceLines(check)].join("\n") : line;
}

export function renderSummary(report: VerifyReport): string {
  const { passed, failed, skipped, seconds, stack, configHash } = report;
  return (
    `${failed === 0 ? "verified" : "NOT verified"}: ${passed} passed, ${failed} failed, ${skipped} skipped` +
    ` in ${seconds.toFixed(1)} s; stack ${stack}, configuration ${configHash.slice(0, 12)}`
  );
}

export function verifyJunit(report: VerifyReport): string {
  const cases = report.checks.map((check) => ({
    group: `verify.${check.group}`,
    name: `${check.name}: ${check.title}`,
    seconds: check.seconds,
    ...(check.status === "fail" && {
      failure: {
        message: check.evidence.seen.split("\n")[0] ?? "",
        text: evidenceLines(check).join("\n"),
      },
    }),
    ...(check.status === "skip" && { skipped: check.evidence.seen }),
  }));
  return renderJunit(`lvs-dr verify ${report.stack}`, report.startedAt, cases);
}
