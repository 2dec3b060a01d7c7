import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { failure } from '../../failure.ts';
import { drawError, errorLine } from './complaint.ts';
import { causeChain, writeJournal } from './journal.ts';
import { paint } from './look.ts';

const plain = { color: false, unicode: true, live: false };

describe('an error', () => {
  it('is what is wrong, what to do, and the command that mends it', () => {
    const { error } = failure('package-missing', 'This machine\u001b[2J lacks etcd.', {
      fix: 'apt-get install etcd-server',
    });
    expect(paint(drawError(error), plain)).toBe(
      [
        '✗ This machine[2J lacks etcd.',
        '  Install the packages named above, then run the command again.',
        '  fix  apt-get install etcd-server',
      ].join('\n'),
    );
  });

  it('has a line for each of its problems', () => {
    const { error } = failure('lab-file-invalid', 'a.yaml:1:1: one\na.yaml:2:1: two');
    expect(paint(drawError(error), plain).split('\n').slice(0, 2)).toEqual([
      '✗ a.yaml:1:1: one',
      '  a.yaml:2:1: two',
    ]);
  });

  it('is one line of JSON for programs', () => {
    expect(errorLine(failure('lab-busy', 'Busy.', { hint: 'Wait.' }).error)).toBe(
      '{"error":{"code":"lab-busy","message":"Busy.","hint":"Wait."}}',
    );
  });
});

describe('the log', () => {
  const state = mkdtempSync(join(tmpdir(), 'fl-test-log-'));
  const path = join(state, 'flatland', 'flatland.log');
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  it('keeps the causes, and no private key', () => {
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----';
    const chain = causeChain(failure('internal', 'outer', { cause: new Error(`inner ${key}`) }));
    expect(chain).toMatch(/outer[\s\S]*caused by: Error: inner \(private key\)/);
    writeJournal(chain, { XDG_STATE_HOME: state });
    expect(readFileSync(path, 'utf8')).not.toContain('abc');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('starts anew when it is full', () => {
    writeFileSync(path, 'x'.repeat(1024 * 1024 + 1));
    writeJournal('next', { XDG_STATE_HOME: state });
    expect(readFileSync(path, 'utf8')).toMatch(/ next\n$/);
    expect(statSync(`${path}.1`).size).toBeGreaterThan(1024 * 1024);
  });
});
