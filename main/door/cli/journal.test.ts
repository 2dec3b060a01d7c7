import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { failure } from '../../failure.ts';
import { causeChain, writeJournal } from './journal.ts';

const state = mkdtempSync(join(tmpdir(), 'fl-test-journal-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));

describe('the log', () => {
  it('has every cause, and only its owner can read it', () => {
    const thrown = failure('host-lost', 'h1 is lost', { cause: new Error('ECONNRESET') });
    writeJournal(causeChain(thrown), { XDG_STATE_HOME: state });
    const path = join(state, 'flatland', 'flatland.log');
    expect(readFileSync(path, 'utf8')).toMatch(/h1 is lost[\s\S]*caused by: Error: ECONNRESET/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('has no private key, whatever message it was part of', () => {
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----';
    expect(causeChain(new Error(`cannot parse ${key}`))).not.toContain('c2VjcmV0');
  });
});
