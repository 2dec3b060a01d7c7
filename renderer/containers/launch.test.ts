import { expect, test } from 'vitest';
import { type LaunchForm, mergeImages, planLaunch } from './launch.ts';

const form: LaunchForm = { hosts: ['host-1'], image: '', name: '', command: '', labels: [], perHost: 1 };
const plan = (change: Partial<LaunchForm>, taken: string[] = []) =>
  planLaunch('demo', { ...form, ...change }, new Set(taken));
const problems = (change: Partial<LaunchForm>, taken: string[] = []) => {
  const result = plan(change, taken);
  return result.ok ? [] : Object.keys(result.problems);
};

test('what is left out is left to the backend', () => {
  expect(plan({})).toEqual({ ok: true, requests: [{ lab: 'demo', host: 'host-1' }] });
  expect(plan({ image: 'flatland/pod', labels: [{ key: '', value: '' }] })).toEqual(plan({}));
});

test('everything that is filled in arrives', () => {
  expect(
    plan({
      image: ' nginx:1.27 ',
      name: 'web',
      command: `sh -c 'sleep 1'`,
      labels: [{ key: 'tier', value: 'front end' }],
    }),
  ).toEqual({
    ok: true,
    requests: [
      {
        lab: 'demo',
        host: 'host-1',
        image: 'nginx:1.27',
        name: 'web',
        command: ['sh', '-c', 'sleep 1'],
        labels: { tier: 'front end' },
      },
    ],
  });
});

test('several get numbers, and none of them is a name that is taken', () => {
  const result = plan({ hosts: ['host-1', 'host-2'], name: 'web', perHost: 2 }, ['web-2']);
  expect(result.ok && result.requests.map(({ host, name }) => `${host} ${name}`)).toEqual([
    'host-1 web-1',
    'host-1 web-3',
    'host-2 web-4',
    'host-2 web-5',
  ]);
});

test('each field says what is wrong with it', () => {
  expect(problems({ hosts: [] })).toEqual(['hosts']);
  expect(problems({ perHost: 0 })).toEqual(['perHost']);
  expect(problems({ perHost: Number.NaN })).toEqual(['perHost']);
  expect(problems({ image: '--privileged x' })).toEqual(['image']);
  expect(problems({ name: '<img onerror>' })).toEqual(['name']);
  expect(problems({ name: 'a'.repeat(63), perHost: 2 })).toEqual(['name']);
  expect(problems({ name: 'web' }, ['web'])).toEqual(['name']);
  expect(problems({ name: 'web', perHost: 2 }, ['web'])).toEqual([]);
  expect(problems({ command: `echo 'a` })).toEqual(['command']);
  expect(problems({ labels: [{ key: '', value: 'x' }] })).toEqual(['labels']);
  expect(
    problems({
      labels: [
        { key: 'a', value: '1' },
        { key: ' a', value: '2' },
      ],
    }),
  ).toEqual(['labels']);
});

test('an image that several hosts have is offered once, the built-in one first', () => {
  const image = (name: string, bytes: number) => ({ name, id: name, bytes });
  expect(
    mergeImages([
      [image('nginx:1.27', 5), image('flatland/pod:latest', 9), image('<none>:<none>', 1)],
      [image('nginx:1.27', 5), image('alpine:3', 2)],
    ]),
  ).toEqual([
    { name: 'flatland/pod', bytes: 9, hosts: 2 },
    { name: 'alpine:3', bytes: 2, hosts: 1 },
    { name: 'nginx:1.27', bytes: 5, hosts: 2 },
  ]);
});
