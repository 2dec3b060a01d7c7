import { type Header, pack } from 'tar-stream';
import { z } from 'zod';

/** One entry of an archive; a directory or a link has no content. */
export interface TarEntry {
  readonly header: Partial<Header> & { name: string };
  readonly content?: string | Uint8Array;
}

/** An archive in memory. The same entries give the same bytes where every `mtime` is given. */
export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { header, content } of entries) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, Buffer.from(content));
  }
  archive.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of archive) parts.push(z.instanceof(Uint8Array).parse(part));
  return Buffer.concat(parts);
}
