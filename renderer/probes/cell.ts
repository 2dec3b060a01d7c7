import type { ProbeKind, ProbeResult } from '../../contract/probe.ts';
import { median } from '../stream/verdict.ts';
import { formatMilliseconds } from '../ui/format.ts';
import { type Freshness, isStale } from './freshness.ts';

/** What the cells show. */
export type Shown = 'all' | 'rtt' | 'loss' | 'mtu' | 'source' | 'port';

/** All kinds in the order in which a fault shows best. */
export const kinds: readonly ProbeKind[] = ['ping', 'mtu', 'source', 'http'];

export const kindNames: Record<ProbeKind, string> = {
  ping: 'Ping',
  mtu: 'MTU',
  source: 'Source address',
  http: 'Port',
};

const kindOfShown: Record<Exclude<Shown, 'all'>, ProbeKind> = {
  rtt: 'ping',
  loss: 'ping',
  mtu: 'mtu',
  source: 'source',
  port: 'http',
};

/** The kinds of results that say something about what is shown. */
export const kindsOf = (shown: Shown): readonly ProbeKind[] =>
  shown === 'all' ? kinds : [kindOfShown[shown]];

/** A cell as it is drawn: `value` with a `unit`, which small cells leave out. `at` is the oldest of what it says, Unix ms. */
export interface Cell {
  readonly health: 'good' | 'bad' | 'stale';
  readonly failed: boolean;
  readonly value: string;
  readonly unit: string;
  readonly milliseconds: number | null;
  readonly at: number;
}

/** Loss in percent, as the words of a ping result have it. */
const lossOf = (seen: string): number | null => {
  const found = /(\d+(?:\.\d+)?) % loss/.exec(seen)?.[1];
  return found === undefined ? null : Number(found);
};

/** Bytes, as the words of an MTU result have them. */
const bytesOf = (words: string): number | null => {
  const found = /^(\d+)(?: bytes)?\b/.exec(words)?.[1];
  return found === undefined ? null : Number(found);
};

const addressOf = (seen: string): string | null => /\b\d{1,3}(?:\.\d{1,3}){3}\b/.exec(seen)?.[0] ?? null;

type Words = Pick<Cell, 'value' | 'unit'>;

function timeOf(milliseconds: number): Words {
  const [value = '', unit = ''] = formatMilliseconds(milliseconds).split(' ');
  return { value, unit };
}

/** What a red cell says, in a word that fits. */
function fault({ kind, seen }: ProbeResult): Words {
  switch (kind) {
    case 'ping': {
      const loss = lossOf(seen);
      return loss === null || loss === 100
        ? { value: 'silent', unit: '' }
        : { value: `${loss} %`, unit: 'loss' };
    }
    case 'mtu': {
      const bytes = bytesOf(seen);
      return bytes === null ? { value: 'MTU', unit: '?' } : { value: 'MTU', unit: `${bytes}` };
    }
    case 'source':
      return addressOf(seen) === null ? { value: 'source', unit: '?' } : { value: 'NAT', unit: '' };
    case 'http':
      return { value: 'port', unit: /refused/.test(seen) ? 'refused' : '' };
  }
}

function words(shown: Shown, result: ProbeResult): Words {
  const { ok, seen, milliseconds } = result;
  switch (shown) {
    case 'all':
    case 'rtt':
      if (!ok && (shown === 'all' || milliseconds === null)) return fault(result);
      return milliseconds === null ? { value: 'ok', unit: '' } : timeOf(milliseconds);
    case 'loss': {
      const loss = lossOf(seen) ?? (ok ? 0 : null);
      return loss === null ? fault(result) : { value: `${loss}`, unit: '%' };
    }
    case 'mtu': {
      const bytes = bytesOf(seen);
      return bytes === null ? fault(result) : { value: `${bytes}`, unit: '' };
    }
    case 'source':
      return { value: addressOf(seen) ?? 'none', unit: '' };
    case 'port': {
      const status = /HTTP (\d{3})/.exec(seen)?.[1];
      if (status !== undefined) return { value: status, unit: '' };
      return { value: /refused/.test(seen) ? 'refused' : ok ? 'open' : 'silent', unit: '' };
    }
  }
}

const orderOf = ({ kind }: ProbeResult) => kinds.indexOf(kind);

/**
 * One cell from the results of its pair, or of many pairs between two hosts; null when nothing that is shown was measured.
 * The worst counts: red before stale before green. A number that stands for many pairs is their median.
 */
export function cellOf(results: readonly ProbeResult[], shown: Shown, freshness: Freshness): Cell | null {
  const relevant = kindsOf(shown);
  const own = results.filter(({ kind }) => relevant.includes(kind));
  if (own.length === 0) return null;
  const fresh = own.filter((result) => !isStale(result, freshness));
  const red = (fresh.length > 0 ? fresh : own)
    .filter(({ ok }) => !ok)
    .sort((one, other) => orderOf(one) - orderOf(other));
  const times = own.flatMap(({ kind, ok, milliseconds }) =>
    kind === 'ping' && ok && milliseconds !== null ? [milliseconds] : [],
  );
  const milliseconds = median(times);
  const at = Date.parse(
    own.reduce((oldest, result) => (result.at < oldest ? result.at : oldest), own[0]?.at ?? ''),
  );
  const worst = red[0];
  if (worst !== undefined) {
    const failed = new Set(red.map(({ kind, from, to }) => `${kind} ${from.kind} ${from.name} ${to.name}`))
      .size;
    const { value, unit } = words(shown, worst);
    const more = shown === 'all' && failed > 1 ? `+${failed - 1}` : unit;
    const health = isStale(worst, freshness) ? 'stale' : 'bad';
    return { health, failed: true, value, unit: more, milliseconds: worst.milliseconds, at };
  }
  const health = fresh.length < own.length ? 'stale' : 'good';
  const timed = shown === 'all' || shown === 'rtt';
  const telling = own.find(({ kind }) => kind === 'ping') ?? own[0];
  if (telling === undefined) return null;
  const said = timed && milliseconds !== null ? timeOf(milliseconds) : words(shown, telling);
  const unit = shown === 'all' && telling.kind !== 'ping' ? '' : said.unit;
  return { health, failed: false, value: said.value, unit, milliseconds, at };
}

/** The same as a sentence, for those who hear the matrix and for who points at it. */
export function sentenceOf(from: string, to: string, results: readonly ProbeResult[], shown: Shown): string {
  const relevant = kindsOf(shown);
  const own = results.filter(({ kind }) => relevant.includes(kind));
  const red = own.filter(({ ok }) => !ok);
  if (own.length === 0) return `${from} to ${to}: not measured`;
  const said = (red.length > 0 ? red : own)
    .slice(0, 4)
    .map(({ kind, seen, expected, ok }) => `${kindNames[kind]} ${seen}${ok ? '' : `, expected ${expected}`}`);
  const more = red.length > 4 ? `; and ${red.length - 4} more` : '';
  return `${from} to ${to}: ${red.length > 0 ? 'failed: ' : ''}${said.join('; ')}${more}`;
}
