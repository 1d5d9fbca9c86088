/** The report: one page that needs nothing but itself. */
import { endpoint } from "../model/lab/address";
import { serviceTitle } from "../model/lab/target";
import type { Status } from "../health/status";
import { checkerText } from "../health/statusText";
import type { ReportData } from "./data";
import { renderDrills } from "./drillSection";
import { html, Markup, moment } from "./html";
import { STYLE } from "./style";
import { renderTopology } from "./topology";
import { renderVerify } from "./verifySection";

/** 286295 → "286 295", with a space that does not break. */
function number(value: number | undefined): string {
  return value === undefined ? "–" : String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

function topology({ lab, status }: ReportData): Markup {
  return html`<section id="topology">
    <h2>Topology</h2>
    ${renderTopology(lab, status)}
    <div class="legend">
      <span><i style="color:var(--request)"></i>request: the director changes only its destination MAC</span>
      <span><i class="reply" style="color:var(--reply)"></i>reply: from the VIP, past the director</span>
    </div>
  </section>`;
}

function servers(service: Status["services"][number], status: Status): Markup {
  const counted = status.counters.services.find((each) => serviceTitle(each) === serviceTitle(service));
  const rows = service.realServers.map((server) => {
    const counters = counted?.realServers.find(({ name }) => name === server.name);
    return html`<tr data-server="${server.name}">
      <td>${server.name}</td>
      <td>${endpoint(server.address, server.port)}</td>
      <td><span class="pill ${server.state}">${server.state}</span></td>
      <td class="number">${server.weight} of ${server.configuredWeight}</td>
      <td class="number">${server.activeConnections}</td>
      <td class="number">${server.inactiveConnections}</td>
      <td class="number">${number(counters?.connections)}</td>
      <td class="number">${number(counters?.incomingBytes)}</td>
    </tr>`;
  });
  const persistence = service.persistent === null ? "" : `, persistent ${service.persistent} s`;
  return html`<p>
      <b>${serviceTitle(service)}</b> ${service.scheduler}${persistence}
      ${service.sorry ? html`<span class="pill sorry">sorry server answers</span>` : undefined}
    </p>
    <div class="scroll" data-service="${service.protocol} ${endpoint(service.vip, service.port)}">
      <table>
        <thead>
          <tr>
            <th>real server</th>
            <th>address</th>
            <th>state</th>
            <th class="number">weight</th>
            <th class="number">active</th>
            <th class="number">inactive</th>
            <th class="number">connections</th>
            <th class="number">bytes in</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function health({ status }: ReportData): Markup {
  const budgets = status.detection.map(
    ({ service, refused, silent, allSilent }) =>
      `${service}: ${refused} s when a server refuses, ${silent} s when it is silent, ${allSilent} s when all are`,
  );
  return html`<section id="health">
    <h2>Health, observed at ${moment(status.observedAt)}</h2>
    ${status.services.map((service) => servers(service, status))}
    ${
      status.problems.length > 0
        ? html`<ul id="problems">
            ${status.problems.map((problem) => html`<li style="color:var(--bad)">${problem}</li>`)}
          </ul>`
        : html`<p class="soft">Nothing keeps it from being healthy.</p>`
    }
    <dl>
      <dt>ldirectord</dt>
      <dd>${checkerText(status.checker)}</dd>
      <dt>a failure is detected within</dt>
      <dd>${budgets.join("; ")}</dd>
    </dl>
  </section>`;
}

function origins({ versions, image, configHash, generatedAt }: ReportData): Markup {
  const list = (pairs: readonly (readonly [string, string | undefined])[]): Markup =>
    html`<dl>
      ${pairs.map(
        ([key, value]) =>
          value !== undefined &&
          html`<dt>${key}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>`;
  const guest = image === null ? [["guest image", "unknown"] as const] : imagePairs(image);
  return html`<section id="origins">
    <h2>What this was</h2>
    <div class="columns">
      ${list([["configuration", configHash], ["generated", moment(generatedAt)], ...Object.entries(versions)])}
      ${list(guest)}
    </div>
  </section>`;
}

function imagePairs(image: NonNullable<ReportData["image"]>): (readonly [string, string | undefined])[] {
  return [
    ["guest image", image.digest],
    ["built", image.built && moment(image.built)],
    ["guest kernel", image.kernel],
    ...Object.entries(image.packages),
  ];
}

/** The data as JSON that no browser can take for markup. */
function embedded(data: ReportData): Markup {
  return new Markup(JSON.stringify(data).replace(/</g, "\\u003c"));
}

export function renderPage(data: ReportData): string {
  const { stack, status, lab } = data;
  const [service] = lab.services;
  const names = lab.realServers.map(({ name }) => name);
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>LVS Direct Routing lab ${stack}: ${status.status}</title>
      <link rel="icon" href="data:," />
      <style>
        ${new Markup(STYLE)}
      </style>
    </head>
    <body>
      <main>
        <header>
          <div>
            <h1>LVS Direct Routing lab: ${stack}</h1>
            <p class="soft">
              ${service.url} · ${names.length} real servers · ${service.scheduler} · configuration
              ${data.configHash.slice(0, 12)}
            </p>
          </div>
          <span class="pill large ${status.status}" id="status">${status.status}</span>
        </header>
        ${topology(data)}${health(data)}${renderVerify(data.verify, data.configHash)}${renderDrills(data)}${origins(data)}
      </main>
      <script type="application/json" id="data">
        ${embedded(data)}
      </script>
    </body>
  </html>`;
  return `<!doctype html>\n${page}\n`;
}
