import type { ProbeEnd, ProbeKind } from '../../contract/probe.ts';

/**
 * One line of the script's output. `text` is whatever the host's program printed, on one line: data, never trusted.
 * `closed` says that the network namespace of a source could not be entered.
 */
export type Measurement =
  | {
      readonly kind: 'ping' | 'mtu' | 'http';
      readonly source: number;
      readonly target: number;
      readonly text: string;
    }
  | { readonly kind: 'closed'; readonly source: number }
  | { readonly kind: 'addresses'; readonly text: string };

const index = /^(0|[1-9]\d{0,3})$/;

/** Reads one line; null for anything that the script does not print. */
export function parseMeasurement(line: string): Measurement | null {
  const [kind, source, target, text, ...more] = line.split('\t');
  if (source === undefined || target === undefined || text === undefined || more.length > 0) return null;
  if (kind === 'addresses') return source === '-' && target === '-' ? { kind, text } : null;
  if (!index.test(source)) return null;
  if (kind === 'closed') return target === '-' && text === '-' ? { kind, source: Number(source) } : null;
  if ((kind !== 'ping' && kind !== 'mtu' && kind !== 'http') || !index.test(target)) return null;
  return { kind, source: Number(source), target: Number(target), text };
}

/** IPv4 addresses in the output of `ip -o -4 addr show`. */
export function parseAddresses(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/ inet (\d{1,3}(?:\.\d{1,3}){3})[/ ]/g)].map(([, address = '']) => address),
  );
}

/** What one measurement means for one cell; `seen` is words for people, without control characters. */
export interface Verdict {
  readonly ok: boolean;
  readonly seen: string;
  readonly milliseconds: number | null;
}

/** A cell without a measurement, or with one that says no. */
export const red = (seen: string): Verdict => ({ ok: false, seen, milliseconds: null });

/** What a program printed, as words for people: the first 100 characters, without control characters. */
const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 100);

/** The words for an answer that means nothing here. */
export const unreadableWords = (text: string): string =>
  printable(text) === '' ? 'unreadable answer' : `unreadable answer: ${printable(text)}`;

const unreadable = (text: string): Verdict => red(unreadableWords(text));

/** The words for what would be green. */
export function expectation(kind: ProbeKind, from: ProbeEnd, overlayMtu: number): string {
  switch (kind) {
    case 'ping':
      return '0 % loss';
    case 'mtu':
      return `${overlayMtu} bytes`;
    case 'source':
      return from.kind === 'pod' ? from.address : `an address of ${from.name}`;
    case 'http':
      return 'HTTP 200';
  }
}

/** ping(8) of iputils: loss in percent, and the RTT as the median of the packets that came back. */
export function judgePing(text: string): Verdict {
  const loss = / (\d{1,3}(?:\.\d+)?)% packet loss/.exec(text)?.[1];
  if (loss === undefined) return unreadable(text);
  const times = [...text.matchAll(/ time[=<](\d{1,6}(?:\.\d+)?) ms/g)].map(([, time]) => Number(time));
  times.sort((one, other) => one - other);
  const median = times[Math.floor((times.length - 1) / 2)];
  if (median === undefined) return red(`${loss} % loss`);
  return { ok: Number(loss) === 0, seen: `${loss} % loss, ${median} ms`, milliseconds: median };
}

/** The largest unfragmented IPv4 packet found, and for how long the sender's kernel still remembers a smaller MTU of the path. */
export function judgeMtu(text: string, overlayMtu: number): Verdict {
  if (text === 'none') return red('no answer');
  const [, found, remembered] = /^(\d{2,5})(?: (\d{1,5}))?$/.exec(text) ?? [];
  if (found === undefined) return unreadable(text);
  const note = remembered === undefined ? '' : ` (as its kernel remembers for ${remembered} s)`;
  return { ok: Number(found) === overlayMtu, seen: `${found} bytes${note}`, milliseconds: null };
}

const httpStatus = (text: string): number | null => {
  const status = /(?:^|\s)HTTP\/1\.[01] (\d{3})(?:\s|$)/.exec(text)?.[1];
  return status === undefined ? null : Number(status);
};

const whoami = (text: string): { pod: string; source: string } | null => {
  const [, pod, source] = /\{"pod":"([A-Za-z0-9.-]{1,64})","source":"([0-9.]{7,15})"\}/.exec(text) ?? [];
  return pod === undefined || source === undefined ? null : { pod, source };
};

const silence = (text: string): Verdict => {
  if (/refused/i.test(text)) return red('connection refused');
  if (/no route|unreachable/i.test(text)) return red('no route to the pod');
  if (/could(?:n't| not) connect/i.test(text)) return red('no connection');
  if (/no program for HTTP/.test(text)) return red('the host has none of wget, curl, bash, busybox');
  return red('no answer within 2 s');
};

/** The address that the built-in server saw; `hostAddresses` are those of the host that asked. */
export function judgeSource(text: string, from: ProbeEnd, hostAddresses: ReadonlySet<string>): Verdict {
  const answer = whoami(text);
  if (answer === null) {
    return httpStatus(text) === null ? silence(text) : red('the server does not say whom it saw');
  }
  const own = from.kind === 'pod' ? answer.source === from.address : hostAddresses.has(answer.source);
  return { ok: own, seen: answer.source, milliseconds: null };
}

/** The status of the answer, and that it is the right pod that gave it, where the server says its name. */
export function judgeHttp(text: string, to: ProbeEnd): Verdict {
  const status = httpStatus(text);
  if (status === null) return silence(text);
  const pod = whoami(text)?.pod;
  if (pod !== undefined && pod !== to.name) return red(`answered by ${pod}`);
  return { ok: status === 200, seen: `HTTP ${status}`, milliseconds: null };
}
