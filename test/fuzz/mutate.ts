import type { Random } from './random.ts';

/* Damage to inputs that were well-formed: what is random from the start comes no further than the first check. */

/** Damages bytes in one way or a few; the result is new, and no longer than twice the input and 64 bytes. */
export function mutateBytes(random: Random, given: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(given);
  for (let times = random.between(1, 3); times > 0; times -= 1) {
    const { length } = bytes;
    const at = random.below(length + 1);
    const view = new DataView(bytes.buffer);
    switch (random.below(8)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        if (at < length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 2:
        if (at < length) bytes[at] = random.word() & 0xff;
        break;
      case 3:
        if (at + 2 <= length) view.setUint16(at, random.word() & 0xffff, random.chance(0.5));
        break;
      case 4:
        if (at + 4 <= length) view.setUint32(at, random.word(), random.chance(0.5));
        break;
      case 5: {
        // A piece of itself at another place.
        const from = random.below(length + 1);
        bytes.copyWithin(at, from, from + random.below(64));
        break;
      }
      case 6:
        if (length <= given.length) bytes = Uint8Array.from([...bytes, ...random.bytes(random.below(32))]);
        break;
      default:
        bytes.set(random.bytes(Math.min(8, length - at)), at);
    }
  }
  return bytes;
}

const characters = '{}[]":,0123456789.-/&\\\n\r\t =\'$`eE+truefalsn\u0000\u00e9\u2028\ud800';

/** Damages text in one way or a few; `words` are what readers of such texts look for. */
export function mutateText(random: Random, given: string, words: readonly [string, ...string[]]): string {
  let text = given;
  for (let times = random.between(1, 3); times > 0; times -= 1) {
    const at = random.below(text.length + 1);
    const to = Math.min(text.length, at + random.below(12));
    const [before, after] = [text.slice(0, at), text.slice(to)];
    switch (random.below(7)) {
      case 0:
        text = before;
        break;
      case 1:
        text = before + after;
        break;
      case 2:
        text = before + (characters[random.below(characters.length)] ?? '') + after;
        break;
      case 3:
        text = before + random.pick(words) + after;
        break;
      case 4:
        text = before + random.word() + after;
        break;
      case 5:
        text = before + text.slice(at, to).repeat(random.between(2, 5)) + after;
        break;
      default: {
        // Nested deeply, which readers that call themselves do not survive.
        const depth = random.chance(0.01) ? random.between(1000, 30_000) : random.between(1, 20);
        const [open, close] = random.pick([
          ['[', ']'],
          ['{"a":', '}'],
        ] as const);
        text = before + open.repeat(depth) + text.slice(at, to) + close.repeat(depth) + after;
      }
    }
  }
  return text;
}
