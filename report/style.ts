/** The report's style sheet: light and dark by the reader's setting, one column on a phone, ink-saving in print. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --card: #ffffff; --text: #1c2330; --soft: #5a6474; --line: #d8dde5;
  --ok: #1a7f4b; --warn: #9a6700; --bad: #c62f3b; --request: #2458c5; --reply: #0b7f7a;
  --ok-bg: #e3f4ea; --warn-bg: #fbf0d4; --bad-bg: #fbe6e8;
  --series-0: #3f78d8; --series-1: #16a08c; --series-2: #8f63c9; --series-3: #d27a2c; --series-4: #5b8c2a; --series-5: #c35a93;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #12161d; --card: #1a2029; --text: #e3e8ef; --soft: #9aa6b6; --line: #313a47;
    --ok: #55c98b; --warn: #e0b04a; --bad: #ff7b83; --request: #7fa8ff; --reply: #4fcfc6;
    --ok-bg: #173527; --warn-bg: #3a2f12; --bad-bg: #45202a;
    --series-0: #6d9eeb; --series-1: #3cc3ae; --series-2: #b08be0; --series-3: #e79a55; --series-4: #8fbf55; --series-5: #e082b5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 1.15rem; margin: 0 0 12px; }
h3 { font-size: 1rem; margin: 0 0 2px; }
p { margin: 0 0 8px; }
.soft, dt, th { color: var(--soft); }
.old { color: var(--warn); }
header { display: flex; flex-wrap: wrap; gap: 12px 24px; align-items: flex-start; justify-content: space-between; margin-bottom: 20px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px; margin-bottom: 18px; }
.pill { display: inline-block; border-radius: 999px; padding: 1px 10px; font-weight: 600; font-size: .85rem; white-space: nowrap; }
.pill.large { font-size: 1.05rem; padding: 5px 16px; }
.ok, .pass, .healthy, .up { --tone: var(--ok); --tone-bg: var(--ok-bg); }
.warn, .skip, .degraded, .sorry, .drained { --tone: var(--warn); --tone-bg: var(--warn-bg); }
.bad, .fail, .down { --tone: var(--bad); --tone-bg: var(--bad-bg); }
.pill { color: var(--tone); background: var(--tone-bg); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 500; text-align: left; font-size: .85rem; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td { border-bottom: 0; }
td.number, th.number { text-align: right; white-space: nowrap; }
code, pre { font: .85em/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 2px 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; margin: 0; }
dd { margin: 0; overflow-wrap: anywhere; }
ul, ol { margin: 4px 0 8px; padding-left: 22px; }
details { border-top: 1px solid var(--line); }
summary { cursor: pointer; padding: 8px 0; display: flex; gap: 12px; justify-content: space-between; }
summary::before { content: "▸"; color: var(--soft); }
details[open] > summary::before { content: "▾"; }
summary span:first-of-type { flex: 1; }
.check { padding: 4px 0 4px 20px; display: flex; gap: 10px; justify-content: space-between; }
.evidence { margin: 0 0 10px 20px; padding: 10px 14px; background: var(--bad-bg); border-radius: 8px; }
.topology { display: block; width: 100%; max-width: 720px; margin: 0 auto; height: auto; font: 13px system-ui, "DejaVu Sans", sans-serif; }
.topology text { fill: var(--text); text-anchor: middle; }
.topology .node rect { fill: var(--tone-bg); stroke: var(--tone); stroke-width: 1.5; }
.topology .node .name { font-weight: 700; font-size: 15px; }
.topology .node .state { fill: var(--tone); font-weight: 600; }
.topology line.bus { stroke: var(--soft); stroke-width: 4; stroke-linecap: round; }
.topology text.bus { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; fill: var(--soft); }
.topology text.bus.start { text-anchor: start; }
.topology text.bus.end { text-anchor: end; }
.topology path.request, .topology path.reply { fill: none; stroke-width: 2; stroke-linejoin: round; }
.topology path.request { stroke: var(--request); }
.topology path.reply { stroke: var(--reply); stroke-dasharray: 6 4; }
.topology .arrow.request path { fill: var(--request); }
.topology .arrow.reply path { fill: var(--reply); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; justify-content: center; font-size: .9rem; margin-top: 10px; }
.legend i { display: inline-block; width: 26px; margin-right: 7px; vertical-align: middle; border-top: 3px solid; }
.legend i.reply { border-top-style: dashed; }
.legend b { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.drills { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 26px 30px; }
.drill { min-width: 0; break-inside: avoid; }
.drill h3 { display: flex; gap: 10px; justify-content: space-between; align-items: baseline; }
.drill svg { width: 100%; height: auto; }
.drill ol { columns: 2 180px; column-gap: 34px; font-size: .85rem; color: var(--soft); padding-left: 26px; }
.drill ol li { break-inside: avoid; overflow-wrap: anywhere; padding-left: 2px; }
.drill li.fault { color: var(--bad); font-weight: 600; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 18px 32px; }
@media (max-width: 520px) {
  main { padding: 14px 10px 32px; }
  section { padding: 14px 12px; }
  dl { grid-template-columns: 1fr; }
  dd { margin-bottom: 4px; }
  th, td { padding-right: 10px; }
  .topology { font-size: 15px; }
  .topology .node .name { font-size: 17px; }
}
@media print {
  :root { color-scheme: light; --bg: #fff; --card: #fff; }
  body { font-size: 11px; }
  main { max-width: none; padding: 0; }
  section { border: 0; padding: 0 0 14px; }
  h2 { break-after: avoid; }
  table, .check, .evidence, .topology { break-inside: avoid; }
  .drills { grid-template-columns: 1fr 1fr; gap: 14px 20px; }
  summary::before { content: ""; }
  details::details-content { content-visibility: visible; block-size: auto; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
@media print and (prefers-color-scheme: dark) {
  :root {
    --text: #1c2330; --soft: #5a6474; --line: #d8dde5; --ok: #1a7f4b; --warn: #9a6700; --bad: #c62f3b; --request: #2458c5; --reply: #0b7f7a;
    --ok-bg: #e3f4ea; --warn-bg: #fbf0d4; --bad-bg: #fbe6e8;
  }
}
`;
