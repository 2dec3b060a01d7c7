import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { errorCatalogue, type FlatlandError } from '../../../contract/error.ts';
import type { LabEvent } from '../../../contract/event.ts';
import { failure } from '../../failure.ts';
import type { Router } from '../../router.ts';
import { paint } from './look.ts';
import type { Terminal } from './terminal.ts';
import { down, probe } from './work.ts';

const look = { color: false, unicode: true, live: false };

/** A terminal that remembers what it was given. */
function fakeTerminal(json: boolean) {
  const printed: string[] = [];
  const said: string[] = [];
  const complaints: FlatlandError[] = [];
  const terminal: Terminal = {
    out: look,
    err: look,
    json,
    size: () => ({ columns: 80, rows: 24 }),
    columns: () => 80,
    rows: () => 24,
    style: (text) => text,
    print: (lines) => printed.push(paint(lines, look)),
    write: (text) => printed.push(text),
    printJson: (value) => printed.push(JSON.stringify(value)),
    say: (lines) => said.push(paint(lines, look)),
    async complain(error) {
      complaints.push(error);
      return errorCatalogue[error.code].exit;
    },
  };
  return { terminal, printed, said, complaints };
}

const everyCell = { from: undefined, to: undefined, kinds: undefined };
const unused = () => Promise.reject(new Error('not asked for'));
const fakeRouter = (own: Partial<Router>): Router => ({
  plan: unused,
  check: unused,
  describe: unused,
  repair: unused,
  remeasure: unused,
  ladder: unused,
  watchLabs: unused,
  watch: unused,
  stopPod: unused,
  startPod: unused,
  removePod: unused,
  images: unused,
  loadImage: unused,
  stopHost: unused,
  podLogs: unused,
  up: unused,
  down: unused,
  probe: unused,
  list: unused,
  status: unused,
  run: unused,
  exec: unused,
  logs: unused,
  close: async () => {},
  ...own,
});

const finished = (work: 'down' | 'probe', error: FlatlandError | null): LabEvent => ({
  type: 'finished',
  at: '2026-01-01T00:00:00.000Z',
  lab: 'demo',
  work,
  outcome: error === null ? 'done' : 'failed',
  seconds: 1,
  proof: null,
  error,
});

const state = mkdtempSync(join(tmpdir(), 'fl-test-work-'));
beforeAll(() => void vi.stubEnv('XDG_STATE_HOME', state));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(state, { recursive: true, force: true });
});

describe('long work', () => {
  it('complains once of what both an event and the caller are told', async () => {
    const thrown = failure('host-lost', 'h1 is lost', { cause: new Error('ECONNRESET') });
    const router = fakeRouter({
      probe: async (_, sink) => {
        sink(finished('probe', thrown.error));
        throw thrown;
      },
    });
    const { terminal, printed, complaints } = fakeTerminal(false);
    expect(await probe(router, terminal, { ...everyCell, lab: 'demo' })).toBe(1);
    expect(complaints).toEqual([thrown.error]);
    expect(printed).toEqual(['✗ lab demo could not be probed (1.0 s)']);
  });

  it('leaves the error to the last event where programs read', async () => {
    const { error } = failure('proof-red', '1 of 4 probes are red.');
    const router = fakeRouter({ probe: async (_, sink) => sink(finished('probe', error)) });
    const { terminal, printed, complaints } = fakeTerminal(true);
    expect(await probe(router, terminal, { ...everyCell, lab: undefined })).toBe(5);
    expect(complaints).toEqual([]);
    expect(printed).toEqual([JSON.stringify(finished('probe', error))]);
  });

  it('takes down one lab after another, and ends with the worst exit code', async () => {
    const asked: (string | undefined)[] = [];
    const lab = {
      state: 'up' as const,
      createdAt: '',
      hosts: 1,
      pods: 0,
      backend: '',
      cidr: '',
      underlay: '',
    };
    const router = fakeRouter({
      list: async () => ['a', 'b', 'c'].map((name) => ({ ...lab, name })),
      down: async (choice, sink) => {
        asked.push(choice.lab);
        if (choice.lab === 'b') throw failure('lab-busy', 'Lab b is busy.');
        sink(finished('down', null));
      },
    });
    const { terminal, complaints } = fakeTerminal(false);
    expect(await down(router, terminal, { lab: undefined, all: true })).toBe(4);
    expect(asked).toEqual(['a', 'b', 'c']);
    expect(complaints.map(({ code }) => code)).toEqual(['lab-busy']);
  });
});
