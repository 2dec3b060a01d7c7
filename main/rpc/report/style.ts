/** The report's own style: no font, picture or script is fetched. Colours are those of the screens. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f3f5f8; --surface: #fff; --raised: #f8f9fb; --line: #dfe3ea; --text: #131820; --soft: #465063; --faint: #5c6779;
  --accent: #3148c8; --good: #12713f; --good-tint: #dff3e7; --good-mark: #1f9d5b; --warning: #875000; --warning-tint: #fbefd9;
  --warning-mark: #d98a12; --bad: #b3202a; --bad-tint: #fde5e5; --bad-mark: #dc3a43; --stale: #5c6779; --stale-tint: #e9ecf1; --stale-mark: #98a2b2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0c0f14; --surface: #13181f; --raised: #1a2029; --line: #262e3a; --text: #e9edf3; --soft: #b0bac8; --faint: #8f9bac;
    --accent: #93a7ff; --good: #56cf91; --good-tint: #123223; --good-mark: #35b374; --warning: #f2b957; --warning-tint: #37290f;
    --warning-mark: #e0a030; --bad: #ff8a8a; --bad-tint: #3f1a1e; --bad-mark: #ef5b62; --stale: #8f9bac; --stale-tint: #222a35; --stale-mark: #66717f;
  }
}
.good { --tone: var(--good); --tint: var(--good-tint); --mark: var(--good-mark); }
.warning { --tone: var(--warning); --tint: var(--warning-tint); --mark: var(--warning-mark); }
.bad { --tone: var(--bad); --tint: var(--bad-tint); --mark: var(--bad-mark); }
.stale, .neutral { --tone: var(--stale); --tint: var(--stale-tint); --mark: var(--stale-mark); }
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--text); }
body { margin: 0 auto; max-width: 76rem; padding: 2.5rem 2rem 4rem; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header { margin-bottom: 1.75rem; }
.from { display: flex; align-items: center; gap: 0.6rem; color: var(--faint); font-size: 0.875rem; margin: 0 0 1.25rem; }
.from svg { width: 22px; height: 22px; }
.from strong { color: var(--text); font-weight: 600; }
.from time { margin-left: auto; }
h1 { font-size: 2rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
.verdict { display: flex; align-items: flex-start; gap: 0.75rem; }
.badge { flex: none; width: 2.25rem; height: 2.25rem; border-radius: 50%; display: grid; place-items: center; font-weight: 700; color: var(--tone); background: var(--tint); }
.about { color: var(--soft); margin: 0.5rem 0 0 3rem; }
dl.numbers { display: grid; grid-template-columns: repeat(6, 1fr); gap: 1px; margin: 0 0 1.75rem; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; background: var(--line); }
dl.numbers div { background: var(--surface); padding: 0.85rem 1.1rem; }
dl.numbers dt { color: var(--faint); font-size: 0.8125rem; }
dl.numbers dd { margin: 0.1rem 0 0; font-size: 1.375rem; font-weight: 600; letter-spacing: -0.01em; }
dl.numbers small { white-space: nowrap; font-size: 0.8125rem; font-weight: 400; color: var(--faint); letter-spacing: 0; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem 1.4rem 1.4rem; margin-bottom: 1.25rem; }
h2 { font-size: 1.0625rem; font-weight: 600; margin: 0 0 0.75rem; }
h2 small { font-weight: 400; color: var(--faint); font-size: 0.875rem; margin-left: 0.5rem; }
.wide { overflow-x: auto; margin: 0 -1.4rem; padding: 0 1.4rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 1rem 0.45rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
tr:last-child > td, tr:last-child > th { border-bottom: 0; }
thead th { color: var(--faint); font-weight: 500; font-size: 0.8125rem; white-space: nowrap; }
tbody th { font-weight: 600; }
td small, th small { color: var(--faint); font-weight: 400; }
.note { color: var(--faint); font-size: 0.8125rem; margin: -0.4rem 0 0.5rem; }
time { white-space: nowrap; }
code { font: 0.93em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.word { color: var(--tone); white-space: nowrap; }
.word::before { content: ""; display: inline-block; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: var(--mark); margin-right: 0.45rem; }
.matrix { width: auto; border-collapse: separate; border-spacing: 3px; }
.matrix th, .matrix td { border: 0; padding: 0.3rem 0.6rem; white-space: nowrap; }
.matrix th { font-weight: 500; font-size: 0.8125rem; color: var(--text); }
.matrix tbody th { text-align: right; }
.matrix tbody td { border-radius: 6px; text-align: center; font-size: 0.8125rem; min-width: 4rem; }
.matrix td.good, .matrix td.bad { background: var(--tint); color: var(--tone); }
.matrix td.bad { font-weight: 600; }
.matrix td.none { color: var(--faint); }
.topology { display: block; width: 100%; height: auto; font-family: inherit; }
.topology .way { stroke: var(--mark); stroke-width: 2; }
.topology .way.stale { stroke-dasharray: 4 5; }
.topology .way.bad { stroke-width: 3; stroke-dasharray: 7 5; }
.topology .host { fill: var(--surface); stroke: var(--mark); stroke-width: 1.5; }
.topology .pill { fill: var(--surface); stroke: var(--mark); }
.topology .mark { fill: var(--mark); }
.topology text { fill: var(--text); font-variant-numeric: tabular-nums; }
.topology .name { font-size: 13px; font-weight: 600; }
.topology .small { font-size: 11px; }
.topology .faint { fill: var(--faint); }
.spark { width: 120px; height: 26px; display: block; }
.spark polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; }
ol.history { list-style: none; margin: 0; padding: 0; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
ol.history li { display: grid; grid-template-columns: 9.5rem 5rem minmax(0, 1fr); gap: 0.75rem; padding: 0.3rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
ol.history li:last-child { border-bottom: 0; }
ol.history time, .lane { color: var(--faint); }
.what::before { content: ""; display: inline-block; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: var(--mark); margin-right: 0.5rem; }
.detail { color: var(--faint); }
footer { color: var(--faint); font-size: 0.8125rem; margin-top: 2rem; }
@media (max-width: 60rem) {
  dl.numbers { grid-template-columns: repeat(3, 1fr); }
}
@media (max-width: 40rem) {
  dl.numbers { grid-template-columns: repeat(2, 1fr); }
  body { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.5rem; }
  .about { margin-left: 0; }
  ol.history li { grid-template-columns: 1fr; gap: 0; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --surface: #fff; --raised: #fff; --line: #d5dae2; --text: #131820; --soft: #465063; --faint: #5c6779; --accent: #3148c8;
    --good: #12713f; --good-tint: #dff3e7; --good-mark: #1f9d5b; --warning: #875000; --warning-tint: #fbefd9; --warning-mark: #d98a12;
    --bad: #b3202a; --bad-tint: #fde5e5; --bad-mark: #dc3a43; --stale: #5c6779; --stale-tint: #e9ecf1; --stale-mark: #98a2b2; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 11px; }
  section { border: 0; padding: 0; margin-bottom: 1.5rem; }
  .wide { overflow: visible; margin: 0; padding: 0; }
  tr, li, svg, .numbers { break-inside: avoid; }
  h2 { break-after: avoid; }
  @page { size: A4 landscape; margin: 14mm; }
}
`;
