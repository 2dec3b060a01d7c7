/** What a file begins like. `image` is what `docker save` writes, `gzip` the same compressed, as far as its first bytes tell. */
export type ArchiveKind = 'image' | 'gzip' | 'empty' | 'other';

const magic = [...'ustar'].map((character) => character.charCodeAt(0));
const magicAt = 257;

/** How many bytes of a file are enough to tell. */
export const archiveHead = 512;

/** Tells what a file is from its first bytes (tar: POSIX.1 ustar at 257; gzip: RFC 1952). Pure. */
export function archiveKind(head: Uint8Array): ArchiveKind {
  if (head.length === 0) return 'empty';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return magic.every((byte, index) => head[magicAt + index] === byte) ? 'image' : 'other';
}
