import type { ProbeEnd, ProbeKind, ProbeResult } from '../../../contract/probe.ts';
import { type Html, html } from './html.ts';
import { formatMilliseconds, plural } from './verdict.ts';

/** More columns than this fit on no page: then a row and a column is a host. */
const mostEnds = 26;
/** In the order in which one rests on the other. */
export const kinds: readonly ProbeKind[] = ['ping', 'mtu', 'source', 'http'];

interface Line {
  readonly key: string;
  readonly name: string;
  readonly note: string;
}

const endLine = ({ kind, name, host }: ProbeEnd): Line => ({
  key: `${kind} ${name}`,
  name,
  note: kind === 'host' ? 'host' : host,
});
const hostLine = ({ host }: ProbeEnd): Line => ({ key: host, name: host, note: '' });

const natural = new Intl.Collator('en', { numeric: true }).compare;

function linesOf(ends: readonly ProbeEnd[], lineOf: (end: ProbeEnd) => Line): Line[] {
  const lines = new Map(ends.map((end) => [lineOf(end).key, lineOf(end)]));
  return [...lines.values()].sort((one, other) =>
    natural(`${one.note} ${one.name}`, `${other.note} ${other.name}`),
  );
}

function cell(results: readonly ProbeResult[], grouped: boolean): Html {
  if (results.length === 0) return html`<td class="none"><span aria-label="not measured">·</span></td>`;
  const red = results.filter(({ ok }) => !ok);
  if (grouped) {
    const text = red.length === 0 ? '✓' : `${red.length} ✗`;
    return html`<td class="${red.length === 0 ? 'good' : 'bad'}" title="${plural(results.length - red.length, 'green cell')} of ${results.length}">${text}</td>`;
  }
  const ping = results.find(({ kind }) => kind === 'ping');
  const time = ping?.milliseconds ?? null;
  const found = kinds.filter((kind) => red.some((result) => result.kind === kind));
  const said = results.map(
    ({ kind, seen, expected, ok }) => `${kind}: ${seen}${ok ? '' : ` (expected ${expected})`}`,
  );
  return html`<td class="${red.length === 0 ? 'good' : 'bad'}" title="${said.join('\n')}">${
    red.length > 0
      ? html`✗ ${found.length === kinds.length ? 'all' : found.join(', ')}`
      : time === null
        ? '✓'
        : formatMilliseconds(time)
  }</td>`;
}

/** The matrix of a lab: one cell an ordered pair of ends, or of hosts where there are many ends; null when nothing was measured. */
export function drawMatrix(probes: readonly ProbeResult[]): Html | null {
  if (probes.length === 0) return null;
  const ends = new Set(
    probes.flatMap(({ from, to }) => [`${from.kind} ${from.name}`, `${to.kind} ${to.name}`]),
  );
  const grouped = ends.size > mostEnds;
  const lineOf = grouped ? hostLine : endLine;
  const rows = linesOf(
    probes.map(({ from }) => from),
    lineOf,
  );
  const columns = linesOf(
    probes.map(({ to }) => to),
    lineOf,
  );
  const cells = new Map<string, ProbeResult[]>();
  for (const result of probes) {
    const key = `${lineOf(result.from).key}\n${lineOf(result.to).key}`;
    const known = cells.get(key);
    if (known === undefined) cells.set(key, [result]);
    else known.push(result);
  }
  const head = ({ name, note }: Line, scope: string) =>
    html`<th scope="${scope}">${name}${note === '' ? null : html` <small>${note}</small>`}</th>`;
  return html`<p class="note">${
    grouped
      ? 'Each cell has all that was measured from one host to another.'
      : 'Each cell is one direction: from the row to the column. The number is the round-trip time.'
  }</p><div class="wide"><table class="matrix">
<thead><tr><td></td>${columns.map((column) => head(column, 'col'))}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${head(row, 'row')}${columns.map((column) => cell(cells.get(`${row.key}\n${column.key}`) ?? [], grouped))}</tr>
`,
  )}</tbody></table></div>`;
}
