import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LabEvent, labEvent } from '../../contract/event.ts';
import { failure } from '../failure.ts';
import { runSteps, type Step, type StepContext, type StepOutcome } from './schedule.ts';

const changed: StepOutcome = { outcome: 'changed', detail: null };

const step = (
  id: string,
  needs: string[],
  perform: (context: StepContext) => Promise<StepOutcome>,
  deadlineSeconds = 60,
): Step => ({ id, title: `title of ${id}`, host: null, needs, expectedSeconds: 1, deadlineSeconds, perform });

const quick = async () => changed;

/** Waits as work that heeds its signal does. */
const wait = async (context: StepContext, milliseconds = 60_000): Promise<StepOutcome> => {
  await sleep(milliseconds, undefined, { signal: context.signal });
  return changed;
};

async function run(steps: readonly Step[], signal = new AbortController().signal) {
  const events: LabEvent[] = [];
  const outcome = await runSteps('demo', steps, (event) => events.push(labEvent.parse(event)), signal);
  const of = (type: LabEvent['type']) =>
    events.flatMap((event) => (event.type === type && 'step' in event ? [event.step] : []));
  return { outcome, events, of };
}

test('a step runs as soon as all that it needs is done, others beside it', async () => {
  let running = 0;
  let most = 0;
  const log: string[] = [];
  const work = (id: string) => async () => {
    log.push(`+${id}`);
    running += 1;
    most = Math.max(most, running);
    await sleep(30);
    running -= 1;
    log.push(`-${id}`);
    return changed;
  };
  const { outcome } = await run([
    step('a', [], work('a')),
    step('b', [], work('b')),
    step('c', ['a', 'b'], work('c')),
    step('d', ['c'], work('d')),
  ]);
  expect(outcome).toEqual({ kind: 'done' });
  expect(most).toBe(2);
  expect(log.slice(0, 2)).toEqual(['+a', '+b']);
  expect(log.slice(4)).toEqual(['+c', '-c', '+d', '-d']);
});

test('what a step says is told in its name', async () => {
  const { events } = await run([
    step('a', [], async (context) => {
      context.progress('half');
      context.log('a line');
      return { outcome: 'unchanged', detail: 'why' };
    }),
  ]);
  expect(events).toMatchObject([
    { type: 'step-started', lab: 'demo', step: 'a' },
    { type: 'step-progress', step: 'a', message: 'half' },
    { type: 'step-log', step: 'a', line: 'a line' },
    { type: 'step-done', step: 'a', outcome: 'unchanged', detail: 'why' },
  ]);
});

test('no steps are done at once', async () => {
  expect((await run([])).outcome).toEqual({ kind: 'done' });
});

test('the first failure stops the others and starts no more', async () => {
  const cause = failure('docker-failed', 'Docker did not start');
  const { outcome, of } = await run([
    step('slow', [], wait),
    step('bad', [], async () => {
      await sleep(20);
      throw cause;
    }),
    step('later', ['slow'], quick),
  ]);
  expect(outcome).toEqual({ kind: 'failed', error: cause.error, cause });
  expect(of('step-failed')).toEqual(['bad']);
  expect(of('step-cancelled')).toEqual(['slow']);
  expect(of('step-started')).toEqual(['slow', 'bad']);
});

test('what fails because it was stopped does not hide the first failure', async () => {
  const first = failure('etcd-failed', 'first');
  const { outcome, of } = await run([
    step('bad', [], async () => {
      await sleep(10);
      throw first;
    }),
    step('sore', [], (context) =>
      wait(context).catch(() => {
        throw failure('internal', 'second');
      }),
    ),
  ]);
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'etcd-failed' } });
  expect(of('step-cancelled')).toEqual(['sore']);
});

test('anything thrown is an error of the catalogue', async () => {
  for (const thrown of [new Error('odd'), 'odd', null, undefined]) {
    const { outcome } = await run([
      step('bad', [], async () => {
        throw thrown;
      }),
    ]);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'internal' } });
  }
});

test('a cancel stops what runs and starts no more', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 30);
  const { outcome, of } = await run([step('a', [], wait), step('b', ['a'], quick)], controller.signal);
  expect(outcome).toEqual({ kind: 'cancelled' });
  expect(of('step-cancelled')).toEqual(['a']);
  expect(of('step-started')).toEqual(['a']);
});

test('a cancel before the beginning starts nothing', async () => {
  const { outcome, events } = await run([step('a', [], quick)], AbortSignal.abort());
  expect(outcome).toEqual({ kind: 'cancelled' });
  expect(events).toEqual([]);
});

test('a cancel that comes after the last step is none', async () => {
  const controller = new AbortController();
  const { outcome } = await run(
    [
      step('a', [], async () => {
        controller.abort();
        return changed;
      }),
    ],
    controller.signal,
  );
  expect(outcome).toEqual({ kind: 'done' });
});

test('a cancel is waited out: nothing runs any more when it is said', async () => {
  const controller = new AbortController();
  let ended = false;
  setTimeout(() => controller.abort(), 10);
  await run(
    [
      step('deaf', [], async () => {
        await sleep(150);
        ended = true;
        return changed;
      }),
    ],
    controller.signal,
  );
  expect(ended).toBe(true);
});

test('work that never heeds its signal is given up', async () => {
  const forever = { ...step('deaf', [], () => new Promise<never>(() => {})), deadlineSeconds: 0.02 };
  const ended = await runSteps('demo', [forever], () => {}, new AbortController().signal, 0.02);
  expect(ended).toMatchObject({ kind: 'failed', error: { code: 'deadline-passed' } });
});

test('a deadline names what was waited for', async () => {
  const { outcome } = await run([
    step(
      'slow',
      [],
      (context) => {
        context.progress('waiting for SSH');
        return wait(context);
      },
      0.05,
    ),
  ]);
  expect(outcome).toMatchObject({
    kind: 'failed',
    error: {
      code: 'deadline-passed',
      message: 'title of slow: waiting for SSH — not finished within 0.05 s',
    },
  });
});

test('a deadline without progress names the step; an error of its own stays what it is', async () => {
  const bare = await run([step('slow', [], wait, 0.05)]);
  expect(bare.outcome).toMatchObject({ error: { message: 'title of slow — not finished within 0.05 s' } });
  const own = await run([
    step(
      'slow',
      [],
      (context) =>
        wait(context).catch(() => {
          throw failure('agent-failed', 'the agent waits for etcd');
        }),
      0.05,
    ),
  ]);
  expect(own.outcome).toMatchObject({ error: { code: 'agent-failed' } });
});

test('needs that can never be met are a defect, not a wait for ever', async () => {
  await expect(run([step('a', ['nobody'], quick)])).rejects.toThrow('steps that can never start: a');
  await expect(run([step('a', ['b'], quick), step('b', ['a'], quick), step('c', [], quick)])).rejects.toThrow(
    'a,b',
  );
});

/** A graph without cycles: each step needs some of those before it. */
const graph = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(20), { maxLength: 3 }),
      fate: fc.constantFrom('good', 'good', 'good', 'good', 'bad', 'deaf'),
      turns: fc.nat(4),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((entries) =>
    entries.map((entry, index) => ({
      ...entry,
      id: `s${index}`,
      needs: [...new Set(entry.needs.filter(() => index > 0).map((need) => `s${need % Math.max(index, 1)}`))],
    })),
  );

test('any graph, cancelled at any moment: order is kept and nothing runs on', async () => {
  await fc.assert(
    fc.asyncProperty(graph, fc.option(fc.nat(12)), async (entries, cancelAfter) => {
      const controller = new AbortController();
      const done = new Set<string>();
      const running = new Set<string>();
      let begun = 0;
      const steps = entries.map(({ id, needs, fate, turns }) =>
        step(id, needs, async ({ signal }) => {
          for (const need of needs) expect(done).toContain(need);
          expect(running.has(id) || done.has(id)).toBe(false);
          running.add(id);
          begun += 1;
          if (begun === cancelAfter) controller.abort();
          try {
            for (let turn = 0; turn < turns; turn += 1) {
              await new Promise((resolve) => setImmediate(resolve));
              if (fate !== 'deaf') signal.throwIfAborted();
            }
            if (fate === 'bad') throw failure('internal', id);
            done.add(id);
            return changed;
          } finally {
            running.delete(id);
          }
        }),
      );
      const { outcome, of } = await run(steps, controller.signal);
      expect([...running]).toEqual([]);
      expect(of('step-started').sort()).toEqual(
        [...of('step-done'), ...of('step-failed'), ...of('step-cancelled')].sort(),
      );
      expect(of('step-done').sort()).toEqual([...done].sort());
      expect(of('step-failed').length).toBeLessThanOrEqual(1);
      if (outcome.kind === 'done') expect(done.size).toBe(entries.length);
      if (outcome.kind === 'failed') expect(of('step-failed')).toEqual([outcome.error.message]);
      if (outcome.kind === 'cancelled') expect(controller.signal.aborted).toBe(true);
      if (!controller.signal.aborted && entries.every(({ fate }) => fate !== 'bad'))
        expect(outcome.kind).toBe('done');
      const began = begun;
      await new Promise((resolve) => setImmediate(resolve));
      expect(begun).toBe(began);
    }),
    { numRuns: 300 },
  );
});
