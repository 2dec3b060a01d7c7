import { type Cidr, cidrsOverlap, formatCidr, parseCidr } from '../../../contract/ipv4.ts';

/** A range in use; `owner` is a phrase such as "route of interface eth0" or "the underlay of lab demo". */
export interface TakenRange {
  readonly cidr: string;
  readonly owner: string;
}

/** What to use, or who is in the way of what was wanted and a free range of that size, if there is any. */
export type RangeChoice =
  | { readonly kind: 'chosen'; readonly cidr: string }
  | { readonly kind: 'clash'; readonly clashes: readonly TakenRange[]; readonly proposal: string | null }
  | { readonly kind: 'exhausted' };

/** Candidates of a prefix length, in the order in which they are tried. */
export type Candidates = (length?: number) => Generator<string>;

/** A default route, and the large parts in which VPNs write it (0.0.0.0/1), belong to nobody. */
const shortestOwned = 8;

const address = (first: number, second: number, third = 0) =>
  first * 2 ** 24 + second * 2 ** 16 + third * 2 ** 8;

/** Blocks of a length that lie in a private range, one after the other. */
function* blocks(first: number, last: number, length: number): Generator<string> {
  const size = 2 ** (32 - length);
  for (let base = Math.ceil(first / size) * size; base + size - 1 <= last; base += size) {
    yield formatCidr({ base, length });
  }
}

/** The given bases at a length that fits them; shorter prefixes come from the private ranges of RFC 1918. */
function* candidates(bases: Iterable<number>, ownLength: number, length: number): Generator<string> {
  if (length >= ownLength) {
    for (const base of bases) yield formatCidr({ base, length });
    return;
  }
  yield* blocks(address(10, 0), address(11, 0) - 1, length);
  yield* blocks(address(172, 16), address(172, 32) - 1, length);
}

function* overlayBases(): Generator<number> {
  for (let second = 77; second <= 127; second += 1) yield address(10, second);
  for (let second = 16; second <= 31; second += 1) yield address(172, second);
}

function* underlayBases(): Generator<number> {
  for (let second = 210; second <= 239; second += 1) {
    for (let third = 0; third <= 255; third += 1) yield address(10, second, third);
  }
}

/** Overlays: 10.77.0.0/16 to 10.127.0.0/16, then 172.16.0.0/16 to 172.31.0.0/16. */
export const overlayCandidates: Candidates = (length = 16) => candidates(overlayBases(), 16, length);

/** Underlays: 10.210.0.0/24 to 10.239.255.0/24. */
export const underlayCandidates: Candidates = (length = 24) => candidates(underlayBases(), 24, length);

interface ParsedRange {
  readonly range: Cidr;
  readonly taken: TakenRange;
}

function parseTaken(taken: readonly TakenRange[]): ParsedRange[] {
  return taken.flatMap((entry) => {
    const range = parseCidr(entry.cidr);
    return range === null || range.length < shortestOwned ? [] : [{ range, taken: entry }];
  });
}

function clashesOf(cidr: string, parsed: readonly ParsedRange[]): TakenRange[] {
  const range = parseCidr(cidr);
  if (range === null) return [];
  return parsed.filter((entry) => cidrsOverlap(range, entry.range)).map(({ taken }) => taken);
}

/** The taken ranges that overlap a range, in the order given. Default routes are in nobody's way. */
export const findClashes = (cidr: string, taken: readonly TakenRange[]): TakenRange[] =>
  clashesOf(cidr, parseTaken(taken));

/** The first candidate that overlaps no taken range; null when there is none. */
function freeRange(taken: readonly TakenRange[], among: Iterable<string>): string | null {
  const parsed = parseTaken(taken);
  for (const cidr of among) {
    if (clashesOf(cidr, parsed).length === 0) return cidr;
  }
  return null;
}

/** Chooses the wanted range or, with none wanted, the first free one. Deterministic. */
export function chooseRange(
  wanted: string | undefined,
  taken: readonly TakenRange[],
  among: Candidates,
): RangeChoice {
  if (wanted === undefined) {
    const cidr = freeRange(taken, among());
    return cidr === null ? { kind: 'exhausted' } : { kind: 'chosen', cidr };
  }
  const clashes = findClashes(wanted, taken);
  if (clashes.length === 0) return { kind: 'chosen', cidr: wanted };
  return { kind: 'clash', clashes, proposal: freeRange(taken, among(parseCidr(wanted)?.length)) };
}
