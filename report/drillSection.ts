/** Each drill: its timeline, what happened when, and its figures beside what was promised. */
import { endpoint } from "../model/lab/address";
import { figureName } from "../drills/resultText";
import type { DrillResult, DrillTried, Limit } from "../drills/types";
import type { ReportData } from "./data";
import { colourOf, markEvents, outcomesOf, renderTimeline, whoOf } from "./chart";
import { html, moment, otherConfiguration, type Markup } from "./html";
import type { PageLab } from "./pageLab";

function limitText({ max, min }: Limit, unit: string): string {
  const parts = [max === undefined ? "" : `≤ ${max}${unit}`, min === undefined ? "" : `≥ ${min}${unit}`];
  return parts.filter(Boolean).join(", ");
}

function isBroken(value: number | null, { max = Infinity, min = -Infinity }: Limit): boolean {
  return value === null || value > max || value < min;
}

function figures(result: DrillResult): Markup {
  const repeated = Object.values(result.distributions).some(({ n }) => n > 1);
  const rows = Object.entries(result.figures).map(([key, value]) => {
    const { label, unit } = figureName(key);
    const limit = result.limits[key];
    const spread = result.distributions[key];
    const broken = limit !== undefined && isBroken(value, limit);
    return html`<tr data-figure="${key}">
      <td>${label}</td>
      <td class="number" ${broken ? html` style="color:var(--bad);font-weight:600"` : undefined}>
        ${value === null ? "never" : `${value}${unit}`}
      </td>
      <td class="number soft">${limit ? limitText(limit, unit) : ""}</td>
      ${repeated ? html`<td class="number soft">${spread ? `${spread.median}${unit} / ${spread.worst}${unit}` : ""}</td>` : undefined}
    </tr>`;
  });
  const n = Math.max(1, ...Object.values(result.distributions).map((each) => each.n));
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>figure</th>
          <th class="number">measured</th>
          <th class="number">promised</th>
          ${repeated ? html`<th class="number">median / worst of ${n}</th>` : undefined}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function pairs(result: DrillResult): Markup | undefined {
  const control = result.runs.filter(({ kind }) => kind === "control");
  const sabotage = result.runs.filter(({ kind }) => kind === "sabotage");
  if (control.length + sabotage.length === 0) return undefined;
  const quiet = control.every(({ asItShould }) => asItShould);
  const caught = sabotage.every(({ asItShould }) => asItShould);
  const parts = [
    control.length > 0 && `without the fault: ${quiet ? "nothing failed" : "something failed too"}`,
    sabotage.length > 0 &&
      `with its remedy sabotaged: ${caught ? "failed, as it must" : "did not fail for that, so it proves nothing"}`,
  ].filter(Boolean);
  return html`<p class="soft">${parts.join("; ")}</p>`;
}

/** "table: 192.168.7.10:80 weight 1" with the server's name instead of its address. */
export function nameServers(text: string, lab: PageLab): string {
  const servers = lab.services.flatMap(({ realServers, sorry }) => [
    ...realServers,
    ...(sorry ? [{ name: "sorry", ...sorry }] : []),
  ]);
  return servers.reduce(
    (all, { name, address, port }) => all.replaceAll(endpoint(address, port), name),
    text,
  );
}

function drill(result: DrillResult, lab: PageLab, configHash: string): Markup {
  const servers = lab.realServers.map(({ name }) => name);
  const legend = outcomesOf(result).map((who) => {
    const count = result.load.requests.filter((request) => whoOf(request) === who).length;
    return html`<span><b style="background:${colourOf(who, servers)}"></b>${who} ${count}</span>`;
  });
  const events = markEvents(result.events).map(
    ({ t, what, kind }) => html`<li class="${kind}">${t.toFixed(1)} s ${nameServers(what, lab)}</li>`,
  );
  const old = result.configHash !== configHash;
  const scale = result.timeScale === 1 ? "" : `; promised times × ${result.timeScale}`;
  return html`<article
    class="drill"
    data-drill="${result.name}"
    data-verdict="${result.verdict}"
    ${old ? html` data-old` : undefined}
  >
    <h3><span>${result.name}</span><span class="pill ${result.verdict}">${result.verdict}</span></h3>
    <p class="soft">
      ${result.description} (${moment(result.startedAt)}, ${result.seconds.toFixed(0)} s${scale})
    </p>
    ${old ? otherConfiguration(result.configHash) : undefined} ${renderTimeline(result, servers)}
    <div class="legend">${legend}</div>
    ${
      events.length > 0
        ? html`<ol>
            ${events}
          </ol>`
        : undefined
    }
    ${result.failures.map((failure) => html`<p style="color:var(--bad)">${failure}</p>`)} ${figures(result)}
    ${pairs(result)}
  </article>`;
}

const TRIED_BECAUSE = {
  refused: "not run, because the lab was not as configured",
  error: "ended without a result",
} as const;

function tried({ name, description, verdict, endedAt, failures }: DrillTried): Markup {
  return html`<article class="card" data-tried="${name}" data-verdict="${verdict}">
    <h3><span>${name}</span><span class="pill fail">${verdict}</span></h3>
    <p class="soft">${description} (${moment(endedAt)}): ${TRIED_BECAUSE[verdict]}</p>
    ${failures.map((failure) => html`<p style="color:var(--bad)">${failure}</p>`)}
  </article>`;
}

/** Results of another configuration than the lab's present one are marked as old. */
export function renderDrills({ drills, tried: others, lab, configHash }: ReportData): Markup {
  const results = drills;
  if (results.length === 0 && others.length === 0) {
    return html`<section id="drills">
      <h2>Drills</h2>
      <p class="soft">None has run on this stack: <code>scripts/lab drill</code></p>
    </section>`;
  }
  const passed = results.filter(({ verdict }) => verdict === "pass").length;
  return html`<section id="drills">
    <h2>
      Drills: ${passed} of ${results.length}
      passed${others.length > 0 ? `, ${others.length} tried without a result` : ""}
    </h2>
    <div class="drills">${others.map(tried)} ${results.map((result) => drill(result, lab, configHash))}</div>
  </section>`;
}
