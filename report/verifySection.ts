/** Verify's results: one fold for each group, failures open and with their evidence. */
import type { CheckResult } from "../verify/checks/check";
import type { VerifyReport } from "../verify/verify";
import { html, moment, otherConfiguration, type Markup } from "./html";

function check({ name, title, status, evidence, fix }: CheckResult): Markup {
  const line = html`<div class="check" data-check="${name}" data-status="${status}">
    <span>${title}${status === "skip" ? html` <span class="soft">(${evidence.seen})</span>` : undefined}</span
    ><span class="pill ${status}">${status}</span>
  </div>`;
  if (status !== "fail") return line;
  return html`${line}
    <dl class="evidence">
      <dt>on</dt>
      <dd>${evidence.where}</dd>
      <dt>command</dt>
      <dd><pre>${evidence.command}</pre></dd>
      <dt>seen</dt>
      <dd><pre>${evidence.seen}</pre></dd>
      <dt>expected</dt>
      <dd><pre>${evidence.expected}</pre></dd>
      <dt>likely fix</dt>
      <dd>${fix ?? ""}</dd>
    </dl>`;
}

function group(name: string, checks: readonly CheckResult[]): Markup {
  const count = (status: CheckResult["status"]): number =>
    checks.filter((each) => each.status === status).length;
  const failed = count("fail");
  const verdict =
    failed > 0
      ? html`<span class="pill fail">${failed} failed</span>`
      : html`<span class="pill pass">${count("pass")} passed</span>`;
  return html`<details${failed > 0 ? html` open` : undefined} data-group="${name}"><summary><span>${name}</span>${verdict}</summary>
${checks.map(check)}</details>`;
}

/** @param configHash of the lab as it is: results of another configuration are marked as old */
export function renderVerify(report: VerifyReport | null, configHash: string): Markup {
  if (report === null) {
    return html`<section id="verify">
      <h2>Verification</h2>
      <p class="soft">Not run yet on this stack: <code>scripts/lab verify</code></p>
    </section>`;
  }
  const { passed, failed, skipped, seconds, startedAt, checks } = report;
  const groups = [...new Set(checks.map((each) => each.group))];
  const old = report.configHash !== configHash;
  return html`<section id="verify">
    <h2>Verification: ${passed} passed, ${failed} failed, ${skipped} skipped</h2>
    <p class="soft">${moment(startedAt)}, in ${seconds.toFixed(0)} s</p>
    ${old ? otherConfiguration(report.configHash) : undefined}
    ${groups.map((name) =>
      group(
        name,
        checks.filter((each) => each.group === name),
      ),
    )}
  </section>`;
}
