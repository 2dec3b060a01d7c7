import type { LadderRung, MtuLadder } from '../../contract/probe.ts';

/** A part of the packet on the wire; `start` and `share` are fractions of the whole width. */
export interface Segment {
  readonly name: string;
  readonly bytes: number;
  readonly start: number;
  readonly share: number;
}

/** A rung as a bar; `length` is a fraction of the whole width, and `beyond` says that the bar is cut off there. */
export interface Bar {
  readonly rung: LadderRung;
  readonly length: number;
  readonly beyond: boolean;
}

/** A size marked across all bars. */
export interface Mark {
  readonly name: 'expected' | 'underlay';
  readonly bytes: number;
  readonly position: number;
}

export interface LadderPicture {
  /** The headers that the backend adds, outermost first, then the pod's own packet: together what the underlay carries. */
  readonly packet: readonly Segment[];
  /** The headers alone, over the whole width, for a magnifying glass. */
  readonly headers: readonly Segment[];
  readonly overhead: number;
  readonly wireBytes: number;
  /** Largest first. */
  readonly bars: readonly Bar[];
  readonly marks: readonly Mark[];
}

function layOut(parts: readonly { name: string; bytes: number }[]): Segment[] {
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  let start = 0;
  return parts.map(({ name, bytes }) => {
    const segment = { name, bytes, start: start / all, share: bytes / all };
    start += bytes;
    return segment;
  });
}

/** Bars longer than the underlay carries need some room to be seen as longer, but no search far above shrinks the picture. */
const headroom = 1.12;

/**
 * The geometry of a ladder: everything as fractions, so that it can be drawn at any width. The packet is the largest that is
 * expected to pass.
 */
export function ladderPicture(
  ladder: Pick<MtuLadder, 'headers' | 'underlayMtu' | 'expectedMtu' | 'rungs'>,
): LadderPicture {
  const { headers, underlayMtu, expectedMtu, rungs } = ladder;
  const overhead = headers.reduce((sum, { bytes }) => sum + bytes, 0);
  const widest = Math.max(underlayMtu, expectedMtu) * headroom;
  const bars = [...rungs]
    .sort((one, other) => other.size - one.size)
    .map((rung) => ({ rung, length: Math.min(1, rung.size / widest), beyond: rung.size > widest }));
  return {
    packet: layOut([...headers, { name: 'Packet of the pod', bytes: expectedMtu }]),
    headers: layOut(headers),
    overhead,
    wireBytes: overhead + expectedMtu,
    bars,
    marks: [
      { name: 'expected', bytes: expectedMtu, position: expectedMtu / widest },
      { name: 'underlay', bytes: underlayMtu, position: underlayMtu / widest },
    ],
  };
}

/** The result in one sentence. */
export function ladderSentence(
  { largest, expectedMtu, headers, underlayMtu }: MtuLadder,
  growing: boolean,
): string {
  const overhead = headers.reduce((sum, { bytes }) => sum + bytes, 0);
  if (growing) return largest === null ? 'Trying sizes' : `${largest} bytes pass so far`;
  if (largest === null) return 'No size passed: the pair does not reach each other';
  if (largest < expectedMtu)
    return `Only ${largest} bytes pass, ${expectedMtu - largest} fewer than expected: something on the way carries less than ${underlayMtu} bytes`;
  if (largest > expectedMtu) return `${largest} bytes pass, ${largest - expectedMtu} more than expected`;
  return overhead === 0
    ? `${largest} bytes pass, as expected: this backend adds nothing`
    : `${largest} bytes pass, as expected: ${underlayMtu} of the underlay less ${overhead} of the overlay`;
}
