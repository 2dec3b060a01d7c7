import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateDirectory } from '../../lab/state.ts';

const sizeLimit = 1024 * 1024;

/** The log's file in the state directory. */
const journalName = 'flatland.log';

/** Private keys never reach the log, whatever message they were part of. */
const withoutSecrets = (text: string): string =>
  text.replace(
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    '(private key)',
  );

/** A thrown value with its stack and all its causes, outermost first. */
export function causeChain(thrown: unknown): string {
  const parts: string[] = [];
  let current: unknown = thrown;
  while (current !== undefined && current !== null && parts.length < 10) {
    parts.push(current instanceof Error ? (current.stack ?? current.message) : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return withoutSecrets(parts.join('\ncaused by: '));
}

/** Appends to the log, which only its owner can read; the log before it is kept once this one is full. Never throws. */
export function writeJournal(text: string, environment: NodeJS.ProcessEnv = process.env): void {
  try {
    const directory = stateDirectory(environment);
    const path = join(directory, journalName);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > sizeLimit) renameSync(path, `${path}.1`);
    appendFileSync(path, `${new Date().toISOString()} ${withoutSecrets(text).slice(0, 64 * 1024)}\n`, {
      mode: 0o600,
    });
  } catch {
    // A log that cannot be written must not hide the error that it is about.
  }
}

/** The last lines of the log, oldest first; rejects when there is none. */
export async function readJournal(): Promise<readonly string[]> {
  const text = await readFile(join(stateDirectory(), journalName), 'utf8');
  return text.trimEnd().split('\n').slice(-60);
}
