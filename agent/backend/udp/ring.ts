/* Memory for packets that wait for those behind them: one behind the other, and round again. */

/** Where packets may go. Offsets are from the memory's start. */
export interface Ring {
  /** The place for the next packet of at most `longest` bytes; null when those that wait have to leave first. */
  place(): number | null;
  /** The bytes from `from` to `to` wait, and so does all that is kept until the release. */
  keep(from: number, to: number): void;
  /** Nothing waits any more. */
  release(): void;
}

/** Packets start at multiples of it, so that their words are aligned. */
const grain = 4;

/** A ring in `size` bytes; three times `longest` always have a place for the one behind one that waits. */
export function makeRing(size: number, longest: number): Ring {
  let oldest: number | null = null;
  let free = 0;
  return {
    place() {
      // What was used last is in the processor's cache.
      if (oldest === null) return 0;
      const end = free > oldest ? size : oldest;
      if (free + longest <= end) return free;
      return free > oldest && longest <= oldest ? 0 : null;
    },
    keep(from, to) {
      oldest ??= from;
      free = Math.ceil(to / grain) * grain;
    },
    release() {
      oldest = null;
    },
  };
}
