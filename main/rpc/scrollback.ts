/** A part of a terminal's output; `sequence` counts all parts that there ever were, from 0. */
export interface Chunk {
  readonly sequence: number;
  readonly data: Buffer;
}

/** The last so many bytes of an output, in the parts in which they came. */
export interface Scrollback {
  add(data: Buffer): void;
  /** The oldest chunk that is kept with this sequence or a later one; null when there is none yet. */
  from(sequence: number): Chunk | null;
  /** Bytes that are kept from this sequence on. */
  bytesFrom(sequence: number): number;
}

export function scrollback(limitBytes: number): Scrollback {
  let chunks: Chunk[] = [];
  /** Chunks before this index were given up, but are not yet cut off. */
  let begin = 0;
  let next = 0;
  let bytes = 0;
  const cut = () => {
    while (bytes > limitBytes && begin < chunks.length - 1) {
      bytes -= chunks[begin]?.data.length ?? 0;
      begin += 1;
    }
    if (begin < 1024 || begin * 2 < chunks.length) return;
    chunks = chunks.slice(begin);
    begin = 0;
  };
  const indexOf = (sequence: number) => Math.max(begin, sequence - next + chunks.length);
  return {
    add: (data) => {
      if (data.length === 0) return;
      chunks.push({ sequence: next, data });
      next += 1;
      bytes += data.length;
      cut();
    },
    from: (sequence) => chunks[indexOf(sequence)] ?? null,
    bytesFrom: (sequence) => {
      let sum = 0;
      for (let index = indexOf(sequence); index < chunks.length; index += 1)
        sum += chunks[index]?.data.length ?? 0;
      return sum;
    },
  };
}
