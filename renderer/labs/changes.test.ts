import { expect, test } from 'vitest';
import { labFile } from '../../contract/lab.ts';
import { changesOf } from './changes.ts';

const file = labFile.parse({
  name: 'demo',
  hosts: [{ name: 'h1' }, { name: 'h2' }],
  pods: [
    { name: 'h1-a', host: 'h1' },
    { name: 'h2-a', host: 'h2' },
  ],
});

test('a file changes nothing compared with itself', () => {
  expect(changesOf(file, file)).toEqual([]);
});

test('hosts and pods that come, go and change are told by name', () => {
  const next = labFile.parse({
    name: 'demo',
    hosts: [{ name: 'h1' }, { name: 'h3' }],
    pods: [{ name: 'h1-a', host: 'h1', ports: [8080] }],
  });
  expect(changesOf(file, next)).toEqual([
    { kind: 'added', what: 'host h3' },
    { kind: 'removed', what: 'host h2' },
    { kind: 'changed', what: 'pod h1-a' },
    { kind: 'removed', what: 'pod h2-a' },
  ]);
});

test('values are told with what they were and what they become', () => {
  const next = labFile.parse({ ...file, network: { backend: 'host-gw', cidr: '10.9.0.0/16' } });
  expect(changesOf(file, next)).toEqual([
    { kind: 'changed', what: 'backend: vxlan vni 1 port 8472 directRouting false → host-gw' },
    { kind: 'changed', what: 'overlay range: chosen by Flatland → 10.9.0.0/16' },
  ]);
});
