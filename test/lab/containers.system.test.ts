import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabEvent } from '../../contract/event.ts';
import type { MtuLadder, ProbeResult, ProbeSelection } from '../../contract/probe.ts';
import type { PodStatus } from '../../contract/status.ts';
import { createRouter } from '../../main/create-router.ts';
import { tarOf } from '../../main/tar.ts';
import { failureOf } from '../support/failure.ts';
import { ownState, run } from '../support/flatland.ts';
import { savedImage } from '../support/saved-image.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';

/* Containers and measurements in one lab of two hosts, through the router as every door calls it. */
const state = ownState();
const clean = takeSnapshot(state.directory);
const router = createRouter();
const signal = () => AbortSignal.timeout(60_000);
const savedName = 'team/web:7';

beforeAll(async () => {
  process.env['XDG_STATE_HOME'] = state.directory;
  const up = await run(state.directory, ['up', '--hosts', '2', '--name', 'containers', '--json']);
  expect(up.code, up.stdout.slice(-2000)).toBe(0);
});
afterAll(async () => {
  await router.close();
  await state.remove();
});

const pods = async (): Promise<PodStatus[]> => (await router.status({})).hosts.flatMap((host) => host.pods);
const podNamed = async (name: string) => (await pods()).find((pod) => pod.name === name);

async function measure(selection?: ProbeSelection): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  await router.remeasure(
    selection === undefined ? {} : { selection },
    (result) => results.push(result),
    signal(),
  );
  return results;
}

/** What a pod printed on both outputs, until its log ends or it has printed `last`. */
async function printed(pod: string, follow: boolean, last?: string): Promise<string> {
  const stop = new AbortController();
  const streams = { input: null, output: new PassThrough(), error: new PassThrough() };
  let text = '';
  for (const stream of [streams.output, streams.error])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (last !== undefined && text.includes(last)) stop.abort();
    });
  const either = AbortSignal.any([stop.signal, signal()]);
  await router.podLogs({ pod, follow, lines: 100 }, streams, either);
  return text;
}

async function load(path: string, hosts: string[], until: AbortSignal = signal()): Promise<LabEvent[]> {
  const events: LabEvent[] = [];
  await router.loadImage({ hosts, path }, (event) => events.push(event), until);
  return events;
}
const finished = (events: readonly LabEvent[]) => events.find((event) => event.type === 'finished');
/** A tar header whose checksum fits again (tar(5): the sum of its bytes, its own field as blanks). */
function withChecksum(header: Buffer): Buffer {
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
const inState = (name: string) => join(state.directory, name);

it('a container with a name, a command and labels: its log, stopped, started, removed', async () => {
  const talk = 'echo to-out; echo to-err >&2; while sleep 1; do echo again; done';
  const started = await router.run(
    {
      host: 'h2',
      name: 'talker',
      command: ['sh', '-c', `trap "exit 0" TERM; ${talk}`],
      labels: { tier: 'web' },
    },
    signal(),
  );
  expect(started).toMatchObject({ host: 'h2', state: 'running', labels: { tier: 'web' }, declared: false });
  expect(started.ports).toEqual([]);

  expect(await printed('talker', false)).toContain('to-err');
  const followed = await printed('talker', true, 'again');
  expect(followed).toContain('to-out');

  await router.stopPod({ pod: 'talker' }, signal());
  expect(await podNamed('talker')).toMatchObject({ state: 'exited', address: null });
  await router.stopPod({ pod: 'talker' }, signal());
  await router.startPod({ pod: 'talker' }, signal());
  expect((await podNamed('talker'))?.address).toMatch(/^10\./);
  await router.startPod({ pod: 'talker' }, signal());

  const taken = await failureOf(router.run({ host: 'h1', name: 'talker' }, signal()));
  expect(taken.code).toBe('resource-taken');
  const host = await failureOf(router.run({ host: 'h1', name: 'h2' }, signal()));
  expect(host.code).toBe('resource-taken');
  const ours = await failureOf(router.run({ host: 'h1', labels: { 'flatland.pod': 'x' } }, signal()));
  expect(ours.code).toBe('input-invalid');

  await router.removePod({ pod: 'talker' }, signal());
  expect(await podNamed('talker')).toBeUndefined();
  for (const attempt of [
    () => router.removePod({ pod: 'talker' }, signal()),
    () => router.stopPod({ pod: 'nobody' }, signal()),
    () => router.startPod({ pod: 'h1' }, signal()),
    () => printed('nobody', false),
  ])
    expect((await failureOf(attempt())).code).toBe('host-unknown');
});

it('an image from a file, also gzipped, is loaded into hosts and runs', async () => {
  const tar = await savedImage(savedName);
  writeFileSync(inState('web.tar'), tar);
  writeFileSync(inState('web.tgz'), gzipSync(tar));
  const before = await router.images({ host: 'h1' }, signal());
  expect(before.map(({ name }) => name)).toEqual(['flatland/pod']);

  const events = await load(inState('web.tar'), ['h1', 'h2']);
  expect(finished(events)).toMatchObject({ work: 'image', outcome: 'done', error: null });
  const done = events.flatMap((event) => (event.type === 'step-done' ? [[event.step, event.detail]] : []));
  expect(done.sort()).toEqual([
    ['load:h1', savedName],
    ['load:h2', savedName],
  ]);
  const told = events.flatMap((event) => (event.type === 'step-progress' ? [event.message] : []));
  expect(told.at(-1)).toMatch(/^(\d+\.\d) of \1 MiB/);
  const images = await router.images({ host: 'h2' }, signal());
  expect(images.map(({ name }) => name)).toEqual(['flatland/pod', savedName]);
  expect(images[1]?.bytes).toBeGreaterThan(100_000);

  expect(finished(await load(inState('web.tgz'), ['h1']))).toMatchObject({ outcome: 'done' });
  const web = await router.run({ host: 'h1', image: savedName, name: 'web' }, signal());
  expect(web).toMatchObject({ image: savedName, state: 'running' });
});

it('a file that is no image is refused, and a load that is cancelled ends', async () => {
  writeFileSync(inState('text.tar'), 'not a tar at all'.repeat(100));
  writeFileSync(inState('empty.tar'), '');
  for (const path of [inState('text.tar'), inState('empty.tar'), inState('none.tar'), state.directory])
    expect((await failureOf(load(path, ['h1']))).code).toBe('image-invalid');
  expect((await failureOf(load(inState('web.tar'), ['h1', 'h9']))).code).toBe('host-unknown');

  // An archive, but of something else; and one that was cut off.
  const tar = await savedImage('team/half:1');
  writeFileSync(inState('other.tar'), await tarOf([{ header: { name: 'hello' }, content: 'world' }]));
  writeFileSync(inState('half.tar'), tar.subarray(0, tar.length / 2));
  writeFileSync(inState('half.tgz'), gzipSync(tar).subarray(0, 100_000));
  for (const name of ['other.tar', 'half.tar', 'half.tgz']) {
    const end = finished(await load(inState(name), ['h1']));
    expect(end, name).toMatchObject({ outcome: 'failed', error: { code: 'image-invalid' } });
  }

  // A file of 256 MiB without a block on the disk; it is cancelled while it is sent.
  const large = await tarOf([{ header: { name: 'layer.tar' }, content: '' }]);
  large.write('02000000000', 124, 'latin1');
  writeFileSync(inState('large.tar'), withChecksum(large.subarray(0, 512)));
  truncateSync(inState('large.tar'), 256 * 1_048_576);
  const stop = new AbortController();
  const events: LabEvent[] = [];
  await router.loadImage(
    { hosts: ['h1', 'h2'], path: inState('large.tar') },
    (event) => {
      events.push(event);
      if (event.type === 'step-progress') stop.abort();
    },
    stop.signal,
  );
  expect(finished(events)).toMatchObject({ outcome: 'cancelled', error: { code: 'cancelled' } });
  expect(events.some((event) => event.type === 'step-progress' && / of 256\.0 MiB/.test(event.message))).toBe(
    true,
  );
  expect((await router.images({ host: 'h1' }, signal())).map(({ name }) => name)).toContain(savedName);
});

it('what was started takes part in the matrix while it runs, and is asked by HTTP where it serves it', async () => {
  const whole = await measure();
  // Four pods and two hosts ask it; it asks four pods.
  const toWeb = whole.filter(({ to }) => to.name === 'web');
  expect(toWeb.map(({ kind }) => kind).sort()).toEqual([...Array(6).fill('mtu'), ...Array(6).fill('ping')]);
  expect(whole.filter(({ from }) => from.name === 'web')).toHaveLength(4 * 4);
  expect(whole.filter(({ ok }) => !ok)).toEqual([]);

  await router.stopPod({ pod: 'web' }, signal());
  expect((await measure()).some(({ to }) => to.name === 'web')).toBe(false);
  const stopped = await measure({ from: 'h2', to: 'web', kinds: null });
  expect(stopped.map(({ kind, seen }) => [kind, seen])).toEqual([
    ['ping', 'pod web does not run'],
    ['mtu', 'pod web does not run'],
  ]);
  await router.removePod({ pod: 'web' }, signal());
});

it('a selection is measured alone, and names that select nothing are named', async () => {
  const one = await measure({ from: 'h1-a', to: 'h2-b', kinds: ['ping'] });
  expect(one.map(({ kind, from, to, ok }) => [kind, from.name, to.name, ok])).toEqual([
    ['ping', 'h1-a', 'h2-b', true],
  ]);
  const row = await measure({ from: 'h1', to: null, kinds: ['source', 'http'] });
  expect(row).toHaveLength(4 * 2);
  expect(row.every(({ ok, from }) => ok && from.kind === 'host')).toBe(true);
  const column = await measure({ from: null, to: 'h1-a', kinds: ['mtu'] });
  expect(column).toHaveLength(5);
  expect(column.every(({ ok }) => ok)).toBe(true);

  const wrong: [ProbeSelection, string][] = [
    [{ from: 'h7', to: 'nobody', kinds: null }, '"h7" or "nobody"'],
    [{ from: null, to: 'h1', kinds: null }, 'h1 is a host'],
    [{ from: 'h1-a', to: 'h1-a', kinds: null }, 'Both ends are h1-a'],
    [{ from: 'h1-a', to: null, kinds: [] }, 'No kind'],
  ];
  for (const [selection, words] of wrong) {
    const error = await failureOf(measure(selection));
    expect([error.code, error.message]).toEqual(['input-invalid', expect.stringContaining(words)]);
  }

  const events: LabEvent[] = [];
  const selection = { from: 'h1-a', to: 'h2-a', kinds: null };
  await router.probe({ selection }, (event) => events.push(event), signal());
  expect(finished(events)).toMatchObject({ outcome: 'done', proof: { pairs: 1, cells: 4, greenCells: 4 } });
});

it('the ladder of VXLAN: 1450 passes, 1451 is refused by the sender, and where the 50 bytes go', async () => {
  const grown: MtuLadder[] = [];
  const ladder = await router.ladder({ from: 'h1-a', to: 'h2-a' }, (seen) => grown.push(seen), signal());
  const rung = (size: number) => ladder.rungs.find((each) => each.size === size);
  expect(ladder).toMatchObject({ backend: 'vxlan', underlayMtu: 1500, expectedMtu: 1450, largest: 1450 });
  expect(rung(1450)).toMatchObject({ outcome: 'passed', said: null });
  expect(rung(1450)?.milliseconds).toBeGreaterThan(0);
  expect(rung(1451)).toMatchObject({ outcome: 'refused', said: 'message too long, mtu=1450' });
  expect(ladder.rungs.map(({ size }) => size)).toEqual([576, 1280, 1400, 1450, 1451, 1500, 9000]);
  expect(ladder.headers.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(50);
  expect(grown.at(-1)?.rungs).toEqual(ladder.rungs);

  const local = await router.ladder({ from: 'h2', to: 'h2-a' }, () => {}, signal());
  expect(local).toMatchObject({ from: { kind: 'host', name: 'h2' }, largest: 1450, headers: [] });
  expect((await failureOf(router.ladder({ from: 'h1-a', to: 'h2' }, () => {}, signal()))).code).toBe(
    'input-invalid',
  );
});

it('a declared pod that was removed comes back with the next up', async () => {
  await router.removePod({ pod: 'h1-b' }, signal());
  expect(await podNamed('h1-b')).toMatchObject({ state: 'missing' });
  const up = await run(state.directory, ['up', '--hosts', '2', '--name', 'containers', '--json']);
  expect(up.code, up.stdout.slice(-2000)).toBe(0);
  expect(await podNamed('h1-b')).toMatchObject({ state: 'running' });
});

it('down leaves nothing of it', async () => {
  await router.close();
  expect((await run(state.directory, ['down', '--json'])).code).toBe(0);
  expect(changesSince(clean, state.directory)).toEqual([]);
});
