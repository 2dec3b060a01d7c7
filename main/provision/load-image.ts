import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { z } from 'zod';
import { raceAbort } from '../abort.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { dockerOf, dockerWords } from './docker.ts';

/** Whether a file begins as a tar archive (tar(5): "ustar" at 257) or a gzipped one (RFC 1952). */
const isArchive = (start: Buffer): boolean =>
  start.subarray(257, 262).toString('latin1') === 'ustar' || start.readUInt16BE(0) === 0x1f8b;

/** The size in bytes of a file that may hold an image. Rejects with `image-invalid` for one that cannot. */
export async function checkImageFile(path: string): Promise<number> {
  const invalid = (why: string, cause?: unknown) =>
    failure('image-invalid', `${basename(path)} ${why}.`, cause === undefined ? {} : { cause });
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw invalid('cannot be read', cause);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw invalid('is not a file');
    const start = Buffer.alloc(512);
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    if (bytesRead === 0) throw invalid('is empty');
    if (!isArchive(start)) throw invalid('is not a tar archive, also not a gzipped one');
    return stats.size;
  } finally {
    await file.close();
  }
}

const message = z.object({ stream: z.string() }).or(z.object({ error: z.string() }));

/** What Docker says of a load (its API, ImageLoad): a JSON object a line. Resolves to the names of what was loaded. */
async function readAnswer(stream: NodeJS.ReadableStream): Promise<string[]> {
  let text = '';
  for await (const part of stream) text += String(part);
  const names: string[] = [];
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const said = message.parse(JSON.parse(line));
    if ('error' in said) throw new Error(said.error);
    const [, name] = /^Loaded image(?: ID)?: (\S+)/.exec(said.stream) ?? [];
    if (name !== undefined) names.push(name);
  }
  if (names.length === 0) throw new Error('there is no image in it');
  return names;
}

/**
 * Sends a file that `docker save` wrote (tar, also gzipped) into a host's Docker, no faster than it takes it; `onSent` hears
 * of each part's bytes. Resolves to the names of the images. Rejects with `image-invalid` when Docker makes nothing of it.
 */
export async function loadImageFile(
  connection: Connection,
  path: string,
  signal: AbortSignal,
  onSent: (bytes: number) => void,
): Promise<string[]> {
  const counted = new Transform({
    transform: (part: Buffer, _encoding, done) => {
      onSent(part.length);
      done(null, part);
    },
  });
  const file = createReadStream(path);
  file.once('error', (error) => counted.destroy(error));
  file.pipe(counted);
  const load = async () => {
    const answer = await dockerOf(connection).loadImage(counted, { quiet: true, abortSignal: signal });
    return readAnswer(answer);
  };
  try {
    return await raceAbort(load(), signal);
  } catch (cause) {
    signal.throwIfAborted();
    const said = dockerWords(cause);
    // Docker's words for an archive of something else.
    const words = /repositories: no such file/.test(said) ? 'there is no image in it' : said;
    if (connection.state().kind !== 'connected')
      throw failure('host-lost', `${connection.name} was lost while it took ${basename(path)}.`, { cause });
    throw failure('image-invalid', `Docker of ${connection.name} cannot load ${basename(path)}: ${words}`, {
      cause,
    });
  } finally {
    file.destroy();
    counted.destroy();
  }
}
