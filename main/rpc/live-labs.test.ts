import { afterEach, describe, expect, it } from 'vitest';
import type { LiveEvent } from '../../contract/live.ts';
import { createdAt, labEventOf } from '../../test/support/synthetic-events.ts';
import { failure } from '../failure.ts';
import type { Router } from '../router.ts';
import { type LiveLabs, openLiveLabs } from './live-labs.ts';

const opened: LiveLabs[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((labs) => labs.close()));
});

/** A router whose watches are held by the test: the watched lab can speak, end and fail as a real one would. */
function start() {
  const watches: {
    sink: (event: LiveEvent) => void;
    signal: AbortSignal;
    end: (thrown?: unknown) => void;
  }[] = [];
  const events: LiveEvent[] = [];
  const known: string[] = [];
  const failures: unknown[] = [];
  const watch: Router['watch'] = (_, sink, signal) =>
    new Promise<void>((resolve, reject) => {
      watches.push({ sink, signal, end: (thrown) => (thrown === undefined ? resolve() : reject(thrown)) });
      signal.addEventListener('abort', () => resolve());
    });
  const labs = openLiveLabs({
    router: { watch },
    onEvent: (_, event) => events.push(event),
    onKnown: (lab) => known.push(lab),
    onFailure: (thrown) => failures.push(thrown),
  });
  opened.push(labs);
  return { labs, watches, events, known, failures };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const unknown = failure('lab-unknown', 'There is no lab.');

describe('watched labs', () => {
  it('are watched once, however many screens look at them', async () => {
    const { labs, watches, known } = start();
    const leave = [labs.hold('one'), labs.hold('one')];
    labs.hold('two');
    await turn();
    expect(watches).toHaveLength(2);
    watches[0]?.sink(labEventOf(createdAt));
    await labs.settled('one');
    expect(known).toEqual(['one']);
    for (const each of leave) each();
    expect(labs.isLookedAt('one')).toBe(false);
    // It lingers: a reload of the page does not begin anew.
    expect(watches[0]?.signal.aborted).toBe(false);
    labs.hold('one');
    await turn();
    expect(watches).toHaveLength(2);
    expect(labs.state('one')?.createdAt()).toBe(createdAt);
  });

  it('that do not exist are settled at once, and found when the list has them', async () => {
    const { labs, watches, failures } = start();
    labs.hold('late');
    await turn();
    watches[0]?.end(unknown);
    await labs.settled('late');
    expect(labs.state('late')?.createdAt()).toBeNull();
    expect(failures).toEqual([]);
    await turn();
    labs.labsChanged([
      { name: 'late', state: 'busy', createdAt, hosts: 1, pods: 0, backend: 'udp', cidr: '', underlay: '' },
    ]);
    await turn();
    expect(watches).toHaveLength(2);
  });

  it('that vanish without a word are told to be gone', async () => {
    const { labs, watches, events } = start();
    labs.hold('one');
    await turn();
    watches[0]?.sink(labEventOf(createdAt));
    watches[0]?.end(unknown);
    await turn();
    expect(events).toEqual([{ type: 'gone' }]);
    expect(labs.state('one')?.snapshot()).toBeNull();
  });

  it('keep what is known while their watch fails', async () => {
    const { labs, watches, events, failures } = start();
    labs.hold('one');
    await turn();
    watches[0]?.sink(labEventOf(createdAt));
    watches[0]?.end(new Error('the state cannot be read'));
    await turn();
    expect(failures).toHaveLength(1);
    expect(events).toEqual([]);
    expect(labs.state('one')?.createdAt()).toBe(createdAt);
  });

  it('take what is known from elsewhere only while somebody holds them', async () => {
    const { labs, watches, events } = start();
    labs.note('one', { type: 'hosts-removed', names: ['h1'] });
    labs.hold('one');
    await turn();
    labs.note('one', { type: 'hosts-removed', names: ['h1'] });
    expect(events).toEqual([]);
    watches[0]?.sink(labEventOf(createdAt));
    labs.note('one', { type: 'hosts-removed', names: ['h1'] });
    expect(events).toEqual([{ type: 'hosts-removed', names: ['h1'] }]);
  });

  it('are let go when the process ends', async () => {
    const { labs, watches } = start();
    labs.hold('one');
    await turn();
    await labs.close();
    expect(watches[0]?.signal.aborted).toBe(true);
  });
});
