import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { appendDurably, labDirectory } from './state.ts';

/** A change that Flatland makes to this machine, and so has to take back. */
export const change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sandbox-underlay'), lab: z.string() }),
  z.object({ kind: z.literal('sandbox-host'), lab: z.string(), host: z.string() }),
]);
export type Change = z.infer<typeof change>;

const line = z.object({ at: z.iso.datetime(), act: z.enum(['begin', 'undone']), change });

const sameChange = (one: Change, other: Change) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The changes of a ledger's text that are not taken back yet, oldest first, each once.
 * A torn last line is one whose change was never begun: lines are on the disk before their change is.
 */
export function outstanding(text: string): Change[] {
  const changes: Change[] = [];
  for (const raw of text.split('\n')) {
    const parsed = line.safeParse(parseJson(raw));
    if (!parsed.success) continue;
    const known = changes.findIndex((entry) => sameChange(entry, parsed.data.change));
    if (parsed.data.act === 'begin' && known === -1) changes.push(parsed.data.change);
    if (parsed.data.act === 'undone' && known !== -1) changes.splice(known, 1);
  }
  return changes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A ledger that is missing says that nothing was changed; one that cannot be read says nothing, so that is an error. */
async function readLedger(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

export interface Ledger {
  /** Says that a change is about to be made; resolves when that is on the disk. */
  begin(change: Change): Promise<void>;
  undone(change: Change): Promise<void>;
  outstanding(): Promise<Change[]>;
}

/** The ledger of a lab: what was changed on this machine, written before it is changed. */
export function openLedger(lab: string): Ledger {
  const path = join(labDirectory(lab), 'ledger.jsonl');
  const append = (act: 'begin' | 'undone', value: Change) =>
    appendDurably(path, JSON.stringify({ at: new Date().toISOString(), act, change: value }));
  return {
    begin: (value) => append('begin', value),
    undone: (value) => append('undone', value),
    outstanding: async () => outstanding(await readLedger(path)),
  };
}
