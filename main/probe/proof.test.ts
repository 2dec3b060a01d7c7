import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ProbeResult, probeResult, proof as proofSchema } from '../../contract/probe.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { everyCell, type ProofHost, type ProofPod, proofPairs, runProof, summarise } from './proof.ts';

const pods: ProofPod[] = ['h1', 'h2'].flatMap((host, number) =>
  ['a', 'b'].map((letter, index) => ({
    name: `${host}-${letter}`,
    host,
    address: `10.77.${number}.${index + 2}`,
    pid: 100 + number * 10 + index,
    port: 80,
  })),
);

/** A host that answers any script with these lines, then ends as told: what a broken or hostile host may do. */
const printing = (lines: readonly string[], end?: Error): Pick<Connection, 'script'> => ({
  script: async (_text, _args, settings) => {
    for (const line of lines) settings?.onLine?.(line);
    if (end !== undefined) throw end;
    return { code: 0, stdout: '', stderr: '' };
  },
});
const hosts = (connection: ProofHost['connection']): ProofHost[] => [
  { name: 'h1', address: '10.210.0.11', connection },
  { name: 'h2', address: '10.210.0.12', connection },
];
async function prove(connection: ProofHost['connection'], selection = everyCell) {
  const results: ProbeResult[] = [];
  const proof = await runProof({
    hosts: hosts(connection),
    pods,
    selection,
    overlayMtu: 1450,
    signal: new AbortController().signal,
    onResult: (result) => results.push(probeResult.parse(result)),
  });
  return { results, proof: proofSchema.parse(proof) };
}
const seen = (results: readonly ProbeResult[]) => new Set(results.map((result) => result.seen));

test('every ordered pair of pods once, and every host with every pod', () => {
  const pairs = proofPairs(hosts(null), pods).map(({ from, to }) => `${from.kind} ${from.name} ${to.name}`);
  expect(pairs).toHaveLength(4 * 3 + 2 * 4);
  expect(new Set(pairs).size).toBe(pairs.length);
  expect(pairs).not.toContain('pod h1-a h1-a');
  expect(pairs).toContain('host h1 h1-a');
  expect(pairs).toContain('host h1 h2-a');
});

test('sources begin with different pods', () => {
  const first = new Map<string, string>();
  for (const { from, to } of proofPairs(hosts(null), pods)) {
    if (!first.has(`${from.kind} ${from.name}`)) first.set(`${from.kind} ${from.name}`, to.name);
  }
  expect(new Set(first.values()).size).toBe(pods.length);
});

test('a lab without pods has an empty proof', async () => {
  const proof = await runProof({
    hosts: hosts(null),
    pods: [],
    selection: everyCell,
    overlayMtu: 1450,
    signal: new AbortController().signal,
    onResult: () => {},
  });
  expect(proof).toEqual({
    pairs: 0,
    greenPairs: 0,
    cells: 0,
    greenCells: 0,
    mtu: null,
    rttMilliseconds: null,
  });
});

test.each([
  ['says nothing', printing([]), 'no answer'],
  ['talks nonsense', printing(['Last login: today', 'ping\t0']), 'unreadable answer'],
  ['names pairs that do not exist', printing(['mtu\t77\t0\t1450', 'http\t0\t77\t']), 'unreadable answer'],
  ['is lost', printing([], failure('host-lost', 'gone')), 'no answer: host'],
  ['takes too long', printing([], failure('deadline-passed', 'late')), 'no answer within 60 s'],
  ['cannot run it', printing([], failure('command-failed', 'h1: no sh')), 'no answer: h1: no sh'],
  ['has no connection', null, 'no answer: host'],
])('a host that %s: the matrix is complete and red', async (_what, connection, words) => {
  const { results, proof } = await prove(connection);
  expect(results).toHaveLength(20 * 4);
  expect(proof).toMatchObject({
    pairs: 20,
    greenPairs: 0,
    cells: 80,
    greenCells: 0,
    mtu: null,
    rttMilliseconds: null,
  });
  for (const text of seen(results)) expect(text.startsWith(words), text).toBe(true);
});

test('what arrived before a host was lost counts, and a second answer for a cell does not', async () => {
  const lines = ['mtu\t0\t0\t1450', 'mtu\t0\t0\t1400', 'mtu\t0\t0\t1450'];
  const { results } = await prove(printing(lines, failure('host-lost', 'gone')));
  const green = results.filter(({ ok }) => ok);
  expect(green.map(({ kind, from, seen: found }) => [kind, from.host, found])).toEqual([
    ['mtu', 'h1', '1450 bytes'],
    ['mtu', 'h2', '1450 bytes'],
  ]);
  expect(results).toHaveLength(80);
});

test('whatever hosts print, each cell is there once', async () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom('ping', 'mtu', 'http', 'closed', 'addresses'),
        fc.constantFrom('-', '0', '1', '2', '3', '9'),
        fc.constantFrom('-', '0', '1', '2', '3', '9'),
        fc.string(),
      )
      .map((fields) => fields.join('\t')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 60 }), async (lines) => {
      const { results } = await prove(printing(lines));
      const cells = results.map(({ kind, from, to }) => `${kind} ${from.name} ${to.name}`);
      expect(cells).toHaveLength(80);
      expect(new Set(cells).size).toBe(80);
    }),
  );
});

test('what Docker says of a pod is not trusted either', async () => {
  const odd = { name: 'h1-c', host: 'h1', address: '10.0.0.1; reboot', pid: 7, port: 80 };
  const scripts: string[] = [];
  const results: ProbeResult[] = [];
  await runProof({
    hosts: hosts({
      script: async (text) => {
        scripts.push(text);
        return { code: 0, stdout: '', stderr: '' };
      },
    }),
    pods: [...pods, odd],
    selection: everyCell,
    overlayMtu: 1450,
    signal: new AbortController().signal,
    onResult: (result) => results.push(result),
  });
  expect(scripts).toHaveLength(2);
  expect(scripts.join()).not.toContain('reboot');
  expect(seen(results.filter(({ to }) => to.name === 'h1-c'))).toEqual(new Set(['pod h1-c does not run']));
});

test('a selection has its cells and no others, also when nothing answers', async () => {
  const cells = async (selection: typeof everyCell) =>
    (await prove(printing([]), selection)).results.map(
      ({ kind, from, to }) => `${kind} ${from.name} ${to.name}`,
    );
  expect(await cells({ from: 'h1', to: 'h2-a', kinds: ['http', 'mtu'] })).toEqual([
    'mtu h1 h2-a',
    'http h1 h2-a',
  ]);
  expect(await cells({ from: null, to: 'h2-a', kinds: ['ping'] })).toHaveLength(3 + 2);
  expect(await cells({ from: 'h1-a', to: null, kinds: null })).toHaveLength(3 * 4);
  expect(await cells({ from: 'h1-a', to: 'h1-a', kinds: null })).toEqual([]);
});

test('a pod that serves no HTTP has no such cells, and is not asked', async () => {
  const quiet = { name: 'h1-c', host: 'h1', address: '10.77.0.9', pid: 7, port: null };
  const scripts: string[] = [];
  const results: ProbeResult[] = [];
  await runProof({
    hosts: hosts({
      script: async (text) => {
        scripts.push(text);
        return { code: 0, stdout: '', stderr: '' };
      },
    }),
    pods: [...pods, quiet],
    selection: { ...everyCell, to: 'h1-c' },
    overlayMtu: 1450,
    signal: new AbortController().signal,
    onResult: (result) => results.push(result),
  });
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['ping', 'mtu']));
  expect(scripts.join('\n')).toContain(' 10.77.0.9 -\n');
});

test('a proof that was cancelled before it began asks nobody', async () => {
  const aborted = AbortSignal.abort();
  const ends = { hosts: hosts(printing([])), pods, selection: everyCell };
  const input = { ...ends, overlayMtu: 1450, signal: aborted, onResult: () => {} };
  await expect(runProof(input)).rejects.toMatchObject({ name: 'AbortError' });
});

test('the summary counts cells and pairs, and takes the median RTT of green pings', () => {
  const end = (name: string) => ({ kind: 'pod' as const, name, host: 'h1', address: '10.77.1.2' });
  const cell = (to: string, kind: ProbeResult['kind'], ok: boolean, milliseconds: number | null = null) => ({
    ...{ at: new Date().toISOString(), kind, from: end('a'), to: end(to), path: 'same-host' as const },
    ...{ ok, expected: '', seen: '', milliseconds },
  });
  const results: ProbeResult[] = [
    ...[cell('b', 'ping', true, 3), cell('b', 'mtu', true)],
    ...[cell('c', 'ping', true, 1), cell('c', 'http', false)],
    ...[cell('d', 'ping', false, 900), cell('e', 'ping', true, 2)],
  ];
  expect(summarise(results, 1450)).toEqual({
    ...{ pairs: 4, greenPairs: 2, cells: 6, greenCells: 4, mtu: 1450, rttMilliseconds: 2 },
  });
  expect(
    summarise(
      results.filter(({ kind }) => kind !== 'mtu'),
      1450,
    ).mtu,
  ).toBeNull();
});
