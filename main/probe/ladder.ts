import { z } from 'zod';
import type { LadderRung } from '../../contract/probe.ts';
import type { Connection } from '../host/connection.ts';
import { judgePing, unreadableWords } from './answer.ts';
import { type ProbeSource, probeSource, probeTarget } from './script.ts';

/** IPv4 (20) and ICMP (8) headers around ping's own bytes. */
const pingHeaders = 28;
/** Any host takes packets of this size whole (RFC 791, section 3.2). */
const always = 68;
const largestPacket = 65_535;
const roundSeconds = 10;

/**
 * The sizes that are tried first, smallest first: what must always pass, the usual MTUs of the world, and both sides of
 * where the end is expected.
 */
export function firstSizes(expectedMtu: number, underlayMtu: number): number[] {
  const sizes = [576, 1280, 1400, expectedMtu, expectedMtu + 1, underlayMtu, 1500, 9000];
  return [...new Set(sizes)].sort((one, other) => one - other);
}

/**
 * The sizes to try next, at most three at once: between the largest that passed and the smallest above it that did not.
 * Empty once those are neighbours. Pure.
 */
export function nextSizes(rungs: readonly LadderRung[]): number[] {
  const passed = rungs.filter(({ outcome }) => outcome === 'passed').map(({ size }) => size);
  const low = Math.max(always - 1, ...passed);
  const high = Math.min(...rungs.map(({ size }) => size).filter((size) => size > low));
  if (!Number.isFinite(high)) return low < largestPacket ? [largestPacket] : [];
  // With nothing passed at all, one small packet says whether the path is dead rather than narrow.
  if (low < always && high > always) return [always];
  const between = [1, 2, 3].map((quarter) => low + Math.round(((high - low) * quarter) / 4));
  return [...new Set(between)].filter((size) => size > low && size < high);
}

/** The largest size that passed; null when none did. */
export function largestPassed(rungs: readonly LadderRung[]): number | null {
  const passed = rungs.filter(({ outcome }) => outcome === 'passed').map(({ size }) => size);
  return passed.length === 0 ? null : Math.max(...passed);
}

const lost = (size: number, outcome: 'refused' | 'dropped', said: string | null): LadderRung => ({
  size,
  outcome,
  milliseconds: null,
  said,
});

/**
 * What ping(8) of iputils said of one size. A router's refusal comes first: the sender's kernel remembers it, and refuses the
 * next packet itself.
 */
export function judgeRung(size: number, text: string): LadderRung {
  const { milliseconds } = judgePing(text);
  if (milliseconds !== null) return { size, outcome: 'passed', milliseconds, said: null };
  const [, router, remark] =
    /From (\d{1,3}(?:\.\d{1,3}){3}) icmp_seq=\d+ (Frag needed and DF set(?: \(mtu = \d{1,5}\))?|Destination [A-Z][a-z]+ [A-Z][a-z]+|Packet filtered)/.exec(
      text,
    ) ?? [];
  if (remark !== undefined) return lost(size, 'dropped', `${remark}, says ${router}`);
  const refusal = /message too long(?:, mtu[=:] ?\d{1,5})?/i.exec(text)?.[0];
  if (refusal !== undefined) return lost(size, 'refused', refusal);
  return lost(size, 'dropped', / 100% packet loss/.test(text) ? 'no answer' : unreadableWords(text));
}

/** Reads one line of the script; null for what is none, or for a size that was not asked for. */
export function parseRung(line: string, sizes: readonly number[]): LadderRung | null {
  const [size, text, ...more] = line.split('\t');
  const asked = sizes.find((each) => String(each) === size);
  return asked === undefined || text === undefined || more.length > 0 ? null : judgeRung(asked, text);
}

/**
 * A POSIX shell script that sends packets of these sizes from a source to an address, all side by side and unfragmented, and
 * prints a line for each: size, tab, what ping said. Throws a `ZodError` for what is no size, address or process number.
 */
export function ladderScript(source: ProbeSource, address: string, sizes: readonly number[]): string {
  const { pid } = probeSource.parse(source);
  const target = probeTarget.shape.address.parse(address);
  const payloads = z.array(z.int().min(always).max(largestPacket)).parse(sizes);
  const enter = pid === null ? '' : `nsenter --net=/proc/${pid}/ns/net `;
  return `export LC_ALL=C
set -f
try() { said=$(${enter}ping -n -c 3 -i 0.1 -W 1 -M do -s $(($1 - ${pingHeaders})) ${target} 2>&1); printf '%s\\t%.1000s\\n' $1 "$(echo $said)"; }
${payloads.map((size) => `try ${size} </dev/null &`).join('\n')}
wait
exit 0
`;
}

/**
 * Tries sizes from a source to an address until the largest that passes is known; `onRungs` gets all rungs so far, smallest
 * first, after each round. A size about which the host says nothing counts as dropped. Rejects when the connection is lost
 * or with the reason of `signal`.
 */
export async function climb(input: {
  readonly connection: Pick<Connection, 'script'>;
  readonly source: ProbeSource;
  readonly address: string;
  readonly sizes: readonly number[];
  readonly signal: AbortSignal;
  readonly onRungs: (rungs: readonly LadderRung[]) => void;
}): Promise<LadderRung[]> {
  const { connection, source, address, signal, onRungs } = input;
  let rungs: LadderRung[] = [];
  let sizes = [...input.sizes];
  while (sizes.length > 0) {
    const round = new Map<number, LadderRung>(
      sizes.map((size) => [size, lost(size, 'dropped', 'nothing was measured')]),
    );
    const onLine = (line: string) => {
      const rung = parseRung(line, sizes);
      if (rung !== null) round.set(rung.size, rung);
    };
    const script = ladderScript(source, address, sizes);
    await connection.script(script, [], { signal, deadlineSeconds: roundSeconds, onLine });
    rungs = [...rungs, ...round.values()].sort((one, other) => one.size - other.size);
    onRungs(rungs);
    sizes = nextSizes(rungs);
  }
  return rungs;
}
