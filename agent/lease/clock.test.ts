import { afterEach, expect, test } from 'vitest';
import { createLatest } from '../wait.ts';
import { parseConfig } from './config.ts';
import { type HeldLease, keepLease } from './hold.ts';
import type { LeaseStore, Snapshot } from './store.ts';

const day = 86_400_000;
const parsed = parseConfig('{"Network":"10.77.0.0/16"}');
if (parsed.kind === 'invalid') throw new Error(parsed.reason);
const { config } = parsed;
let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** Keeps a lease of a day while the wall clock jumps, and counts what etcd is asked. */
function keepOverJump(jump: number, secondsLeft: number) {
  const calls = { asked: 0, granted: 0 };
  let wall = 1_700_000_000_000;
  const clock = { monotonic: () => 0, wall: () => wall };
  const unused = () => Promise.reject(new Error('not expected'));
  const store: LeaseStore = {
    readConfig: unused,
    list: unused,
    create: unused,
    remove: unused,
    watch: unused,
    close: () => {},
    dropLease: async () => {},
    secondsLeft: async () => {
      calls.asked += 1;
      return secondsLeft;
    },
    grant: async (seconds) => {
      calls.granted += 1;
      return { leaseId: '2', seconds };
    },
    replace: async () => ({ kind: 'written', revision: 8 }),
  };
  const subnet = { base: 0x0a4d0100, length: 24 };
  const now = new Date(wall);
  const first: HeldLease = {
    subnet,
    modRevision: 7,
    leaseId: '1',
    acquiredAt: now,
    renewedAt: now,
    expiresAt: new Date(wall + day),
    endsAt: day,
  };
  const snapshots = createLatest<Snapshot>();
  const wish = {
    config,
    publicIp: 1,
    value: '{}',
    previous: null,
    leaseId: null,
    leaseSeconds: 86_400,
    marginMilliseconds: 3_600_000,
  };
  const held: HeldLease[] = [];
  keepLease(store, wish, first, snapshots, (next) => held.push(next), {
    signal: stop.signal,
    log: () => {},
    clock,
  }).catch(() => {});
  wall += jump;
  const entry = { name: '10.77.1.0-24', value: '{}', modRevision: 7, leaseId: '1' };
  snapshots.publish({ clusterId: '1', revision: 7, entries: [entry] });
  return { calls, held, wall };
}

for (const jump of [day, -day])
  test(`a wall clock that jumps ${jump > 0 ? 'forward' : 'back'} a day makes etcd be asked, and nothing else`, async () => {
    const { calls, held, wall } = keepOverJump(jump, 80_000);
    await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1);
    expect(calls).toEqual({ asked: 1, granted: 0 });
    expect(held[0]).toMatchObject({
      leaseId: '1',
      endsAt: 80_000_000,
      expiresAt: new Date(wall + 80_000_000),
    });
  });

test('a lease that is nearly over after a suspend is renewed at once', async () => {
  const { calls, held } = keepOverJump(day, 60);
  await expect.poll(() => held.at(-1)?.leaseId, { timeout: 10_000 }).toBe('2');
  expect(calls).toEqual({ asked: 1, granted: 1 });
});
