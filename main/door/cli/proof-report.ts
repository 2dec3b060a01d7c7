import type { ProbeEnd, ProbeKind, ProbeResult, Proof } from '../../../contract/probe.ts';
import {
  clipLine,
  count,
  harmless,
  type Line,
  line,
  lineWidth,
  padEnd,
  padStart,
  type Span,
  span,
  widthOf,
} from './text.ts';

const letters: Record<ProbeKind, string> = { ping: 'p', mtu: 'm', source: 's', http: 'h' };
const names: Record<ProbeKind, string> = { ping: 'ping', mtu: 'MTU', source: 'source', http: 'HTTP' };
const kinds: readonly ProbeKind[] = ['ping', 'mtu', 'source', 'http'];

const natural = new Intl.Collator('en', { numeric: true }).compare;

/** All that was measured from one end to another. */
interface Pair {
  readonly from: ProbeEnd;
  readonly to: ProbeEnd;
  readonly results: readonly ProbeResult[];
}

function pairsOf(results: readonly ProbeResult[]): Pair[] {
  const pairs = new Map<string, { from: ProbeEnd; to: ProbeEnd; results: ProbeResult[] }>();
  for (const result of results) {
    const { from, to } = result;
    const key = `${from.kind} ${from.name} ${to.name}`;
    const pair = pairs.get(key) ?? { from, to, results: [] };
    pair.results.push(result);
    pairs.set(key, pair);
  }
  return [...pairs.values()];
}

/** Pods by host and name, then the hosts themselves. */
function sortedEnds(ends: readonly ProbeEnd[]): ProbeEnd[] {
  const unique = [...new Map(ends.map((end) => [`${end.kind} ${end.name}`, end])).values()];
  return unique.sort(
    (one, other) =>
      Number(one.kind === 'host') - Number(other.kind === 'host') ||
      natural(one.host, other.host) ||
      natural(one.name, other.name),
  );
}

/** Milliseconds in at most four characters. */
function milliseconds(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return value < 9999.5 ? String(Math.round(value)) : '>10s';
}

const middle = (values: readonly number[]): number | null =>
  [...values].sort((one, other) => one - other)[Math.floor((values.length - 1) / 2)] ?? null;

const failing = (results: readonly ProbeResult[]): ProbeKind[] =>
  kinds.filter((kind) => results.some((result) => result.kind === kind && !result.ok));

const rtts = (results: readonly ProbeResult[]): number[] =>
  results.flatMap(({ kind, ok, milliseconds: time }) =>
    kind === 'ping' && ok && time !== null ? [time] : [],
  );

/** One cell: the RTT, or the letters of the probes that failed. */
function cell(results: readonly ProbeResult[]): Span {
  const [first] = results;
  if (first === undefined) return span('·', 'dim');
  const red = failing(results);
  if (red.length > 0) return span(red.map((kind) => letters[kind]).join(''), 'bad');
  const rtt = middle(rtts(results));
  return span(rtt === null ? '✓' : milliseconds(rtt), first.path === 'same-host' ? 'dim' : 'good');
}

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly label: string; readonly cells: readonly Span[] }[];
  readonly caption: string;
}

function podTable(pairs: readonly Pair[]): Table {
  const sources = sortedEnds(pairs.map(({ from }) => from));
  const targets = sortedEnds(pairs.map(({ to }) => to));
  const byPlace = new Map(
    pairs.map((pair) => [`${pair.from.kind} ${pair.from.name} ${pair.to.name}`, pair.results]),
  );
  return {
    caption: 'ms',
    columns: targets.map(({ name }) => name),
    rows: sources.map(({ kind, name }) => ({
      label: name,
      cells: targets.map((target) => cell(byPlace.get(`${kind} ${name} ${target.name}`) ?? [])),
    })),
  };
}

/** The same by hosts: the median RTT, or how many pairs are red. */
function hostTable(pairs: readonly Pair[]): Table {
  const hosts = [...new Set(pairs.flatMap(({ from, to }) => [from.host, to.host]))].sort(natural);
  const keyOf = ({ from, to }: Pair) => `${from.host} ${to.host}`;
  const groups = new Map(
    groupBy(pairs, keyOf).flatMap((group) => group.slice(0, 1).map((pair) => [keyOf(pair), group] as const)),
  );
  return {
    caption: 'p50 ms',
    columns: hosts,
    rows: hosts.map((from) => ({
      label: from,
      cells: hosts.map((to) => {
        const group = groups.get(`${from} ${to}`) ?? [];
        const red = group.filter(({ results }) => failing(results).length > 0).length;
        if (red > 0) return span(`${red}/${group.length}`, 'bad');
        return cell(group.flatMap(({ results }) => results));
      }),
    })),
  };
}

function drawTable({ caption, columns, rows }: Table): Line[] {
  const labelWidth = Math.max(widthOf(caption), ...rows.map(({ label }) => widthOf(label)));
  const cells = (index: number) =>
    rows.flatMap(({ cells: own }) => (own[index] === undefined ? [] : [own[index].text]));
  const widths = columns.map((name, index) => Math.max(widthOf(name), ...cells(index).map(widthOf)));
  return [
    line(
      span(`  ${padEnd(caption, labelWidth)}`, 'dim'),
      ...columns.map((name, index) => span(`  ${padStart(name, widths[index] ?? 0)}`, 'dim')),
    ),
    ...rows.map(({ label, cells: own }) =>
      line(
        `  ${padEnd(label, labelWidth)}`,
        ...own.flatMap(({ text, tone }, index) => [
          span(`  ${padStart('', (widths[index] ?? 0) - widthOf(text))}`),
          span(text, tone),
        ]),
      ),
    ),
  ];
}

/** One character a cell, for labs whose tables are wider than any terminal. Columns are the rows' hosts in order. */
function drawMap(pairs: readonly Pair[]): Line[] {
  const { rows } = hostTable(pairs);
  const labelWidth = Math.max(...rows.map(({ label }) => widthOf(label)));
  const caption = line(span('  hosts in rows and columns in the same order', 'dim'));
  const drawn = rows.map(({ label, cells }) =>
    line(
      `  ${padEnd(label, labelWidth)}  `,
      ...cells.map(({ text, tone }) =>
        tone === 'bad' ? span('✗', tone) : span(text === '·' ? ' ' : '·', 'good'),
      ),
    ),
  );
  return [caption, ...drawn];
}

const fits = (lines: readonly Line[], width: number): boolean =>
  lines.every((parts) => lineWidth(parts) <= width);

/** A matrix of pods longer than this is one of hosts. */
const longestMatrix = 18;

/** The matrix: rows are sources, columns are targets; by pods where that fits, else by hosts. */
function matrix(pairs: readonly Pair[], width: number): Line[] {
  if (pairs.length === 0) return [];
  const pods = drawTable(podTable(pairs));
  if (fits(pods, width) && pods.length <= longestMatrix) return pods;
  const hosts = drawTable(hostTable(pairs));
  return fits(hosts, width) ? hosts : drawMap(pairs);
}

/** What is red between two ends, or between the ends of two hosts, where all saw the same. */
interface Red {
  readonly from: string;
  readonly to: string;
  readonly kinds: readonly ProbeKind[];
  readonly pairs: number;
  readonly expected: string | null;
  readonly seen: string;
}

const shownReds = 20;
/** So many lines for single pairs are still read; more are gathered by hosts. */
const readableReds = 12;

/** Groups a list by a key, in the order in which the keys come. */
function groupBy<T>(list: readonly T[], keyOf: (entry: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const entry of list) {
    const group = groups.get(keyOf(entry));
    if (group === undefined) groups.set(keyOf(entry), [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

const same = (values: readonly string[]): string | null =>
  values.every((value) => value === values[0]) ? (values[0] ?? null) : null;

/** Probes of one pair that saw the same are one line. */
const redsOf = (pairs: readonly Pair[]): Red[] =>
  pairs.flatMap(({ from, to, results }) =>
    groupBy(
      results.filter(({ ok }) => !ok),
      ({ seen }) => seen,
    ).map((group) => ({
      from: from.name,
      to: to.name,
      kinds: failing(group),
      pairs: 1,
      expected: same(group.map(({ expected }) => expected)),
      seen: group[0]?.seen ?? '',
    })),
  );

/** Pairs of the same two hosts whose probes saw the same are one line. */
function redsByHost(pairs: readonly Pair[]): Red[] {
  const hosts = new Map(pairs.flatMap(({ from, to }) => [from, to]).map((end) => [end.name, end.host]));
  const place = (name: string) => hosts.get(name) ?? name;
  return groupBy(redsOf(pairs), (red) =>
    [place(red.from), place(red.to), red.kinds.join(), red.seen].join('\n'),
  ).flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length === 1) return [first];
    const common = group.some((red) => red.expected === null)
      ? null
      : same(group.map((red) => red.expected ?? ''));
    const expected = common ?? (first.kinds.join() === 'source' ? 'its own address' : null);
    return [{ ...first, from: place(first.from), to: place(first.to), pairs: group.length, expected }];
  });
}

function drawReds(pairs: readonly Pair[]): Line[] {
  const single = redsOf(pairs);
  const reds = single.length <= readableReds ? single : redsByHost(pairs);
  const grouped = reds.some((red) => red.pairs > 1);
  const rows = reds.slice(0, shownReds).map((red) => ({
    probes: red.kinds.length === kinds.length ? 'all' : red.kinds.map((kind) => names[kind]).join(', '),
    ends: `${harmless(red.from)} → ${harmless(red.to)}`,
    pairs: grouped ? count(red.pairs, 'pair') : '',
    red,
  }));
  const width = (of: (row: (typeof rows)[number]) => string) =>
    Math.max(0, ...rows.map((row) => widthOf(of(row))));
  const widths = {
    probes: width(({ probes }) => probes),
    ends: width(({ ends }) => ends),
    pairs: width((row) => row.pairs),
  };
  const lines = rows.map(({ probes, ends, pairs: number, red }) =>
    line(
      span('  ✗ ', 'bad'),
      `${padEnd(probes, widths.probes)}  ${padEnd(ends, widths.ends)}  `,
      span(grouped ? `${padStart(number, widths.pairs)}  ` : '', 'dim'),
      span(red.expected === null ? '' : `expected ${harmless(red.expected)}, saw `, 'dim'),
      harmless(red.seen),
    ),
  );
  const more = reds.length - rows.length;
  return more > 0
    ? [...lines, line(span(`    … and ${more} more; \`flatland probe --json\` has all`, 'dim'))]
    : lines;
}

/** The proof in one sentence; the narrower the room, the fewer its words. */
function sentence(proof: Proof, pairs: readonly Pair[], width: number): Line {
  // A pair that does not answer at all says nothing of its MTU or its source address.
  const wrong = (kind: ProbeKind, witness: ProbeKind) =>
    pairs.filter(({ results }) => failing(results).includes(kind) && !failing(results).includes(witness))
      .length;
  const [mtuWrong, sourceWrong] = [wrong('mtu', 'ping'), wrong('source', 'http')];
  const sourceKnown = pairs.some(({ results }) => results.some(({ kind, ok }) => kind === 'source' && ok));
  const parts = (words: 'long' | 'short'): Line[] => {
    const good = proof.pairs === proof.greenPairs;
    const rtt = proof.rttMilliseconds;
    const mtu = proof.mtu === null ? [] : [span(`MTU ${proof.mtu}${words === 'long' ? ' as expected' : ''}`)];
    const reach = words === 'long' ? ' reach each other' : ' reachable';
    return [
      line(span(`${proof.greenPairs} of ${count(proof.pairs, 'pair')}`, good ? 'good' : 'bad'), reach),
      rtt === null ? [] : line(`RTT p50 ${milliseconds(rtt)} ms`),
      mtuWrong === 0 ? line(...mtu) : line(span(`MTU wrong in ${mtuWrong}`, 'bad')),
      sourceWrong === 0 ? line(sourceKnown ? 'no NAT' : '') : line(span(`NAT in ${sourceWrong}`, 'bad')),
    ].filter((part) => lineWidth(part) > 0);
  };
  const joined = (words: 'long' | 'short'): Line =>
    parts(words).flatMap((part, index) => (index === 0 ? part : [span(', '), ...part]));
  const long = joined('long');
  return lineWidth(long) <= width ? long : joined('short');
}

/** The whole proof: sentence, matrix, and a line for everything that is red. Pure. */
export function drawProof(proof: Proof, results: readonly ProbeResult[], width: number): Line[] {
  const pairs = pairsOf(results).sort(
    (one, other) =>
      natural(one.from.host, other.from.host) ||
      natural(one.from.name, other.from.name) ||
      natural(one.to.name, other.to.name),
  );
  const reds = drawReds(pairs);
  const table = matrix(pairs, width);
  const key = kinds.map((kind) => `${letters[kind]} ${names[kind]}`).join('  ');
  return [
    sentence(proof, pairs, width),
    ...(table.length > 0 ? [line(), ...table] : []),
    ...(reds.length > 0 ? [line(), line(span(`  red: ${key}`, 'dim')), ...reds] : []),
  ].map((each) => clipLine(each, width));
}
