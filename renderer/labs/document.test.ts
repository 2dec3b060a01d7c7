import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { labFile } from '../../contract/lab.ts';
import { editText, type LabEdit, readForm } from './document.ts';

const sample = (name: string) =>
  readFileSync(new URL(`../../resources/labs/${name}.yaml`, import.meta.url), 'utf8');
const threeHosts = sample('three-hosts');

const after = (source: string, ...edits: LabEdit[]) => edits.reduce(editText, source);

test('the form shows what the text says, and nothing where it leaves the default', () => {
  expect(readForm(sample('three-hosts-udp'))).toMatchObject({
    name: 'three-hosts-udp',
    hosts: ['h1', 'h2', 'h3'],
    backend: 'udp',
    port: 8285,
    overlay: '',
    mtu: null,
    tls: true,
  });
  expect(readForm('')).toMatchObject({ name: '', hosts: [], backend: 'vxlan' });
  expect(readForm('- a')).toBeNull();
  expect(readForm('a: [')).toBeNull();
});

test('comments survive each edit', () => {
  const comments = (text: string) => text.split('\n').filter((line) => line.trim().startsWith('#'));
  const edited = after(
    threeHosts,
    { kind: 'name', value: 'other' },
    { kind: 'hosts', count: 4 },
    { kind: 'overlay', value: '10.99.0.0/16' },
    { kind: 'mtu', value: 1400 },
    { kind: 'remove-pod', index: 0 },
    { kind: 'backend', value: 'udp' },
  );
  expect(comments(edited)).toEqual(comments(threeHosts));
  expect(readForm(edited)).toMatchObject({
    name: 'other',
    hosts: ['h1', 'h2', 'h3', 'h4'],
    overlay: '10.99.0.0/16',
    mtu: 1400,
    backend: 'udp',
  });
});

test('a host goes with its pods, and is renamed with them', () => {
  const renamed = readForm(editText(threeHosts, { kind: 'rename-host', index: 0, name: 'left' }));
  expect(renamed?.hosts).toEqual(['left', 'h2', 'h3']);
  expect(renamed?.pods.filter(({ host }) => host === 'left')).toHaveLength(2);
  const removed = readForm(editText(threeHosts, { kind: 'remove-host', index: 1 }));
  expect(removed?.hosts).toEqual(['h1', 'h3']);
  expect(removed?.pods.map(({ host }) => host)).not.toContain('h2');
});

test('another backend has none of the options of the one before', () => {
  const edited = editText(sample('three-hosts-udp'), { kind: 'backend', value: 'vxlan' });
  expect(readForm(edited)).toMatchObject({ backend: 'vxlan', port: null });
  const option = editText(threeHosts, { kind: 'backend-option', option: 'vni', value: 7 });
  expect(readForm(option)).toMatchObject({ backend: 'vxlan', vni: 7 });
});

test('a field that is taken out leaves no empty mapping behind', () => {
  const set = editText(threeHosts, { kind: 'mtu', value: 1400 });
  expect(editText(set, { kind: 'mtu', value: null })).not.toContain('underlay');
});

test('lines that are not edited stay as they are, and a new part goes where it belongs', () => {
  const lines = threeHosts.split('\n').filter(Boolean);
  const edited = editText(threeHosts, { kind: 'mtu', value: 1400 }).split('\n');
  expect(edited.filter((line) => lines.includes(line))).toEqual(lines);
  expect(edited.indexOf('underlay:')).toBeLessThan(edited.indexOf('hosts:'));
  const text =
    'name: demo\nhosts: [{name: h1}]\npods:\n  - name: a\n    host: h1\n    labels: {x: "ports: [ 1 ]"}\n';
  expect(parse(editText(text, { kind: 'name', value: 'other' }))).toEqual({ ...parse(text), name: 'other' });
});

const anyEdit: fc.Arbitrary<LabEdit> = fc.oneof(
  fc.record({ kind: fc.constant('hosts' as const), count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ kind: fc.constant('remove-host' as const), index: fc.nat(3) }),
  fc.record({ kind: fc.constant('add-pod' as const), host: fc.constantFrom('h1', 'h2') }),
  fc.record({ kind: fc.constant('remove-pod' as const), index: fc.nat(9) }),
  fc.record({
    kind: fc.constant('backend' as const),
    value: fc.constantFrom('vxlan' as const, 'udp' as const, 'host-gw' as const),
  }),
  fc.record({ kind: fc.constant('tls' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('mtu' as const), value: fc.option(fc.integer({ min: 1280, max: 9216 })) }),
);

test('whatever is edited, the text stays YAML that the form can read, and its last edit can be seen', () => {
  fc.assert(
    fc.property(fc.array(anyEdit, { maxLength: 8 }), (edits) => {
      const text = after(threeHosts, ...edits);
      expect(readForm(text)).not.toBeNull();
      expect(readForm(editText(text, { kind: 'hosts', count: 3 }))?.hosts).toHaveLength(3);
    }),
    { numRuns: 30 },
  );
});

test('hosts that the form adds make a valid lab from an empty text', () => {
  const text = after('', { kind: 'name', value: 'demo' }, { kind: 'hosts', count: 5 });
  expect(labFile.parse(parse(text))).toMatchObject({
    name: 'demo',
    hosts: { length: 5 },
    pods: { length: 10 },
  });
});
