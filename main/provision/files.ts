import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Connection, PlacedFile } from '../host/connection.ts';

const placedRecord = '/etc/flatland/placed.json';
const digests = z.record(z.string(), z.string());

/** One digest for files with their paths and modes: another one means that something differs. */
export function digestOf(files: readonly PlacedFile[]): string {
  const hash = createHash('sha256');
  for (const { path, mode, content } of files) hash.update(`${path}\0${mode}\0`).update(content).update('\0');
  return hash.digest('hex').slice(0, 16);
}

async function readPlaced(connection: Connection): Promise<Record<string, string>> {
  const text = await connection.read(placedRecord);
  if (text === null) return {};
  try {
    return digests.parse(JSON.parse(text.toString('utf8')));
  } catch {
    return {};
  }
}

/** Writes what differs of a host's files; resolves to how many did. Which services know it already is their own affair. */
export async function ensureFiles(
  connection: Connection,
  files: readonly PlacedFile[],
  signal: AbortSignal,
): Promise<number> {
  const before = await readPlaced(connection);
  const after = Object.fromEntries(files.map((file) => [file.path, digestOf([file])]));
  const different = files.filter(({ path }) => before[path] !== after[path]);
  if (different.length === 0) return 0;
  const record = { path: placedRecord, mode: 0o600, content: JSON.stringify(after) };
  await connection.place([...different, record], { signal });
  // Units that systemd has not loaded yet need no reload, and a reload takes longer than all the rest of this step.
  if (Object.keys(before).length > 0) await connection.exec(['systemctl', 'daemon-reload'], { signal });
  return different.length;
}
