import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type HistoryEntry, historyEntry } from '../../contract/history.ts';
import { probeResult } from '../../contract/probe.ts';
import { labDirectory } from './state.ts';

/** A line of a lab's history: something that happened, or what a probe found. */
const historyLine = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('entry'), entry: historyEntry }),
  z.object({ kind: z.literal('probe'), result: probeResult }),
]);
export type HistoryLine = z.infer<typeof historyLine>;

/** An entry before it is written down. */
export type HistoryDraft = Omit<HistoryEntry, 'id'>;

export const toLine = (draft: HistoryDraft): HistoryLine => ({
  kind: 'entry',
  entry: { id: randomUUID(), ...draft },
});

/** A history that has grown to this many bytes keeps its newest half. */
const largestHistory = 8 * 1024 * 1024;

const historyFile = (lab: string) => join(labDirectory(lab), 'history.jsonl');

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Opens a file; null when it, or the lab's folder, is not there. */
async function openIfThere(path: string, flags: string): Promise<FileHandle | null> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Keeps the newest half. What another command appends in the same instant may be lost with the older one. */
async function rotate(path: string): Promise<void> {
  const content = await readFile(path);
  const begin = content.indexOf('\n', Math.floor(content.length / 2)) + 1;
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content.subarray(begin), { mode: 0o600 });
  await rename(temporary, path);
}

/**
 * Appends to the history of a lab, all lines with one write, so that those of several commands do not mix. A lab that is
 * gone stays gone: nothing is written then. Rejects when the file cannot be written.
 */
export async function appendHistory(
  lab: string,
  lines: readonly HistoryLine[],
  largest = largestHistory,
): Promise<void> {
  if (lines.length === 0) return;
  const path = historyFile(lab);
  const file = await openIfThere(path, 'a+');
  if (file === null) return;
  let full = false;
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    // A line that was torn by the end of its writer stays a line of its own.
    const torn = size > 0 && last.toString() !== '\n' ? '\n' : '';
    const text = Buffer.from(`${torn}${lines.map((line) => `${JSON.stringify(line)}\n`).join('')}`);
    await file.write(text);
    full = size + text.length > largest;
  } finally {
    await file.close();
  }
  if (full) await rotate(path);
}

function parseLine(text: string): HistoryLine | null {
  try {
    return historyLine.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** What was added to a history; `fresh`: it is another one than before, or the first that is read. */
export interface HistoryNews {
  readonly fresh: boolean;
  readonly lines: readonly HistoryLine[];
}

/** Reads a lab's history as it grows: each call gives what is new since the one before. Lines that are torn or unreadable are skipped. */
export function followHistory(lab: string): () => Promise<HistoryNews> {
  const path = historyFile(lab);
  let identity: string | null = null;
  let offset = 0;
  let lastLine = '';
  return async () => {
    const file = await openIfThere(path, 'r');
    if (file === null) {
      const fresh = identity !== null;
      identity = null;
      return { fresh, lines: [] };
    }
    try {
      const { ino, birthtimeMs, size } = await file.stat();
      const same = identity === `${ino} ${birthtimeMs}` && size >= offset;
      if (same && size === offset) return { fresh: false, lines: [] };
      const from = same ? offset : 0;
      const content = Buffer.alloc(size - from);
      const { bytesRead } = await file.read(content, 0, content.length, from);
      const end = content.subarray(0, bytesRead).lastIndexOf('\n') + 1;
      let text = content.toString('utf8', 0, end);
      // A history that was shortened goes on after the last line that is known.
      const known = same || lastLine === '' ? -1 : text.lastIndexOf(`${lastLine}\n`);
      const fresh = !same && known < 0;
      if (known >= 0) text = text.slice(known + lastLine.length + 1);
      identity = `${ino} ${birthtimeMs}`;
      offset = from + end;
      const lines = text.split('\n').filter((line) => line !== '');
      lastLine = lines.at(-1) ?? (fresh ? '' : lastLine);
      return { fresh, lines: lines.flatMap((line) => parseLine(line) ?? []) };
    } finally {
      await file.close();
    }
  };
}
