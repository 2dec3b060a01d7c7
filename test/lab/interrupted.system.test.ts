import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { LabEvent } from '../../contract/event.ts';
import { eventsOf, ownState, run, start } from '../support/flatland.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';

const state = ownState();
const clean = takeSnapshot(state.directory);
afterAll(state.remove);

const up = ['up', '--hosts', '3', '--json'];
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const begins = (id: string) => (event: LabEvent) => event.type === 'step-started' && event.step === id;

describe('kill -9 in the middle of up', () => {
  // An up takes some six seconds here; ten moments, spread over it, each at random within its tenth.
  const moments = Array.from({ length: 10 }, (_, index) => Math.round((index + Math.random()) * 600));

  it.each(moments)('after %i ms: down leaves nothing', async (moment) => {
    const running = start(state.directory, up);
    await Promise.race([sleep(moment), running.finished]);
    running.child.kill('SIGKILL');
    await running.finished;
    const down = await run(state.directory, ['down', '--all', '--json']);
    expect(down.code, down.stdout + down.stderr).toBe(0);
    expect(changesSince(clean, state.directory)).toEqual([]);
  });
});

describe('Ctrl-C', () => {
  const steps = [
    'underlay',
    'boot:h2',
    'place:h1',
    'etcd:h3',
    'network',
    'agent:h1',
    'docker:h2',
    'image:h1:flatland/pod',
    'pod:h3-b',
    'proof',
  ];

  it.each(steps)('at %s takes back what was started and says so', async (step) => {
    const running = start(state.directory, up);
    await running.when(begins(step));
    running.child.kill('SIGINT');
    const ended = await running.finished;
    const events = eventsOf(ended);
    expect(ended.code, ended.stdout.slice(-1500) + ended.stderr).toBe(130);
    expect(events.at(-1)).toMatchObject({ type: 'finished', work: 'up', outcome: 'cancelled' });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'notice', message: 'Taking back what was started.' }),
    );
    expect(changesSince(clean, state.directory)).toEqual([]);
  });
});

describe('resume', () => {
  afterEach(async () => {
    await run(state.directory, ['down', '--all', '--json']);
    expect(changesSince(clean, state.directory)).toEqual([]);
  });

  it.each(['etcd:h1', 'docker:h3'])('up after kill -9 at %s finishes the lab', async (step) => {
    const running = start(state.directory, up);
    await running.when(begins(step));
    running.child.kill('SIGKILL');
    await running.finished;
    const list = await run(state.directory, ['ls', '--json']);
    expect(list.stdout).toContain('half-built');
    const again = await run(state.directory, up);
    expect(again.code, again.stdout.slice(-1500) + again.stderr).toBe(0);
    const boots = eventsOf(again).filter(
      (event) => event.type === 'step-done' && event.step.startsWith('boot:'),
    );
    expect(boots.map((event) => event.type === 'step-done' && event.outcome)).toEqual(
      Array(3).fill('unchanged'),
    );
  });

  it('Ctrl-C of an up on a lab that stands leaves the lab standing', async () => {
    expect((await run(state.directory, up)).code).toBe(0);
    const running = start(state.directory, up);
    await running.when(begins('proof'));
    running.child.kill('SIGINT');
    expect((await running.finished).code).toBe(130);
    expect((await run(state.directory, ['probe', '--json'])).code).toBe(0);
  });
});
