import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testStep } from './fixture.ts';
import { assignTracks, lanesOf, longestChain, scaleOf } from './lanes.ts';

const began = Date.parse('2026-01-01T00:00:00.000Z');
const plan = [
  testStep('underlay', null, []),
  testStep('boot:a', 'a', ['underlay']),
  testStep('boot:b', 'b', ['underlay'], { expectedSeconds: 2 }),
  testStep('pod:a-1', 'a', ['boot:a']),
  testStep('pod:a-2', 'a', ['boot:a']),
  testStep('proof', null, ['pod:a-1', 'pod:a-2', 'boot:b']),
];

const barsOf = (steps: typeof plan, now: number, scale = 1) =>
  new Map(
    lanesOf(steps, assignTracks(steps), { now, began, scale })
      .lanes.flatMap(({ bars }) => bars)
      .map((bar) => [bar.id, bar]),
  );

test('a plan begins each step when all that it needs is done', () => {
  const bars = barsOf(plan, 0);
  expect(bars.get('boot:b')).toMatchObject({ start: 1, end: 3 });
  expect(bars.get('proof')).toMatchObject({ start: 3, end: 4 });
  expect(longestChain(plan)).toBe(4);
});

test('steps that may run side by side have rows of their own, the whole lab is one lane', () => {
  const { lanes } = lanesOf(plan, assignTracks(plan), { now: 0, began, scale: 1 });
  expect(lanes.map(({ host, tracks }) => [host, tracks])).toEqual([
    [null, 1],
    ['a', 2],
    ['b', 1],
  ]);
});

test('what was done is shown as it was, and what is to come moves with it', () => {
  const late = plan.map((step) => {
    if (step.id === 'underlay')
      return { ...step, state: 'changed' as const, startedAt: '2026-01-01T00:00:00.500Z', seconds: 2 };
    if (step.id === 'boot:a')
      return { ...step, state: 'running' as const, startedAt: '2026-01-01T00:00:02.500Z' };
    return step;
  });
  const bars = barsOf(late, 5);
  expect(bars.get('underlay')).toMatchObject({ start: 0.5, end: 2.5 });
  expect(bars.get('boot:a')).toMatchObject({ start: 2.5, end: 5 });
  expect(bars.get('boot:b')).toMatchObject({ start: 5, end: 7 });
});

test('expected times are stretched to the time that all of it takes', () => {
  expect(scaleOf(plan, 8)).toBe(2);
  expect(scaleOf(plan, 1)).toBe(1);
  expect(scaleOf([], 5)).toBe(1);
  expect(barsOf(plan, 0, 2).get('proof')?.end).toBe(8);
});

const anyPlan = fc
  .array(
    fc.record({
      host: fc.option(fc.constantFrom('a', 'b', 'c')),
      needs: fc.array(fc.nat(), { maxLength: 3 }),
      expectedSeconds: fc.integer({ min: 1, max: 5 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((drawn) =>
    drawn.map(({ host, needs, expectedSeconds }, index) =>
      testStep(`${index}`, host, index === 0 ? [] : needs.map((need) => `${need % index}`), {
        expectedSeconds,
      }),
    ),
  );

test('no two steps of a row overlap, and none begins before what it needs is done', () => {
  fc.assert(
    fc.property(anyPlan, (steps) => {
      const { lanes, seconds } = lanesOf(steps, assignTracks(steps), { now: 0, began, scale: 1 });
      const bars = new Map(lanes.flatMap((lane) => lane.bars.map((bar) => [bar.id, bar])));
      for (const { id, needs } of steps)
        for (const need of needs)
          expect(bars.get(id)?.start).toBeGreaterThanOrEqual(bars.get(need)?.end ?? Number.NaN);
      for (const lane of lanes) {
        for (const [index, bar] of lane.bars.entries()) {
          expect(bar.track).toBeLessThan(lane.tracks);
          expect(bar.end).toBeLessThanOrEqual(seconds);
          for (const other of lane.bars.slice(index + 1))
            if (other.track === bar.track)
              expect(other.start >= bar.end || other.end <= bar.start).toBe(true);
        }
      }
    }),
  );
});
