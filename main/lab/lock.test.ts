import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../test/support/bundle.ts';
import { failureOf } from '../../test/support/failure.ts';
import { lockHolder, lockLab } from './lock.ts';

/** A lock that no other process asks for. */
const own = () => `test-${process.pid}-${randomBytes(4).toString('hex')}`;

let program: Awaited<ReturnType<typeof bundle>>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  program = await bundle(`
    import { lockLab } from './main/lab/lock.ts';
    lockLab('demo', process.argv[2] ?? '', 'up').then(
      () => { console.log('locked'); setInterval(() => {}, 1000); },
      (error) => console.log(error.message),
    );
  `);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => program.remove());

/** Another process that tries to take a lock; resolves to what it says first. */
async function other(id: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [program.path, id], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const said = await new Promise<string>((resolve) =>
    child.stdout.once('data', (part) => resolve(String(part).trim())),
  );
  return { child, said };
}

test('two locks of one lab exclude each other, two labs do not', async () => {
  const [one, another] = [own(), own()];
  const unlock = await lockLab('demo', one, 'up');
  const unlockAnother = await lockLab('second', another, 'down');
  expect(await failureOf(lockLab('demo', one, 'down'))).toMatchObject({
    code: 'lab-busy',
    message: `Lab demo is busy: up, process ${process.pid} is at work on it.`,
  });
  await unlock();
  await (await lockLab('demo', one, 'down'))();
  await unlockAnother();
});

test('of many that want it one gets it', async () => {
  const id = own();
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockLab('demo', id, 'up')));
  const got = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(got).toHaveLength(1);
  await got[0]?.();
});

test('another process that has it is named, and its end frees it, also by kill -9', async () => {
  const id = own();
  expect(await lockHolder(id)).toBeNull();
  const { child, said } = await other(id);
  expect(said).toBe('locked');
  expect(await lockHolder(id)).toBe(`up, process ${child.pid}`);
  expect((await failureOf(lockLab('demo', id, 'down'))).message).toBe(
    `Lab demo is busy: up, process ${child.pid} is at work on it.`,
  );
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  expect(await lockHolder(id)).toBeNull();
  await (await lockLab('demo', id, 'down'))();
});

test('another process hears of this one', async () => {
  const id = own();
  const unlock = await lockLab('demo', id, 'probe');
  expect((await other(id)).said).toBe(`Lab demo is busy: probe, process ${process.pid} is at work on it.`);
  await unlock();
  expect((await other(id)).said).toBe('locked');
});

test('a process that is stopped still has it, and asking takes no longer than a moment', async () => {
  const id = own();
  const { child } = await other(id);
  child.kill('SIGSTOP');
  const began = performance.now();
  expect(await lockHolder(id)).toBe('another command');
  expect(performance.now() - began).toBeLessThan(3000);
  child.kill('SIGCONT');
});

test('whoever asks and hangs on does not keep it from being freed', async () => {
  const id = own();
  const unlock = await lockLab('demo', id, 'up');
  const idle = connect({ path: `\0flatland-lab-${process.getuid?.() ?? 0}-${id}`, allowHalfOpen: true });
  idle.on('error', () => {});
  await new Promise((resolve) => idle.once('connect', resolve));
  await Promise.race([
    unlock(),
    new Promise((_, reject) => setTimeout(() => reject(new Error('still locked')), 2000)),
  ]).finally(() => idle.destroy());
});
