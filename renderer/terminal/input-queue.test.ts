import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createInputQueue } from './input-queue.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

test('everything arrives once and in order, in calls that never overlap and never are too large', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'binary' })),
      fc.integer({ min: 1, max: 9 }),
      async (typed, limit) => {
        const sent: Uint8Array[] = [];
        let running = 0;
        let done = () => {};
        const idle = new Promise<void>((resolve) => {
          done = resolve;
        });
        const total = encoder.encode(typed.join('')).length;
        const queue = createInputQueue(
          async (bytes) => {
            running += 1;
            expect(running).toBe(1);
            expect(bytes.length).toBeLessThanOrEqual(limit);
            await Promise.resolve();
            sent.push(bytes);
            running -= 1;
            if (sent.reduce((sum, one) => sum + one.length, 0) === total) done();
          },
          (error) => {
            throw error;
          },
          limit,
        );
        for (const text of typed) queue.write(encoder.encode(text));
        if (total > 0) await idle;
        expect(decoder.decode(Uint8Array.from(sent.flatMap((bytes) => [...bytes])))).toBe(
          decoder.decode(encoder.encode(typed.join(''))),
        );
      },
    ),
  );
});

test('what is typed while a call is on its way goes together', async () => {
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const queue = createInputQueue(
    (bytes) => {
      sent.push(decoder.decode(bytes));
      return new Promise<void>((resolve) => answers.push(resolve));
    },
    () => {},
  );
  for (const key of 'ls -l') queue.write(encoder.encode(key));
  answers[0]?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(sent).toEqual(['l', 's -l']);
});

test('after a failure the rest is not sent, and what is typed later is', async () => {
  const sent: string[] = [];
  const failures: unknown[] = [];
  const queue = createInputQueue(
    async (bytes) => {
      const text = decoder.decode(bytes);
      if (text === 'r') throw new Error('lost');
      sent.push(text);
    },
    (error) => failures.push(error),
  );
  for (const key of 'rm -rf') queue.write(encoder.encode(key));
  await new Promise((resolve) => setImmediate(resolve));
  expect(failures).toHaveLength(1);
  queue.write(encoder.encode('x'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual(['x']);
});
