import { expect, test } from 'vitest';
import { nearest, suggestion } from './suggest.ts';

const known = ['name', 'network', 'underlay', 'hosts', 'etcd', 'pods', 'port', 'subnetLength', 'mtu'];

test.each([
  ['nmae', 'name'],
  ['Name', 'name'],
  ['netwrok', 'network'],
  ['host', 'hosts'],
  ['prot', 'port'],
  ['ecd', 'etcd'],
  ['subnetlen', 'subnetLength'],
  ['mtu ', 'mtu'],
  ['NETWORK', 'network'],
])('%s means %s', (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

test.each(['', 'x', 'zzzz', 'volumes', 'm', 'z'.repeat(2000)])('%j means nothing', (word) => {
  expect(nearest(word, known)).toBeNull();
});

test('the nearest one wins, not the first', () => {
  expect(nearest('portt', ['ports', 'port'])).toBe('ports');
  expect(nearest('porst', ['port', 'ports'])).toBe('port');
});

test('few known words are named, many are not', () => {
  expect(suggestion('zzzz', ['one', 'two', 'one'])).toBe('; known: one, two');
  expect(
    suggestion(
      'zzzz',
      Array.from({ length: 13 }, (_, index) => `word${index}`),
    ),
  ).toBe('');
  expect(suggestion('zzzz', [])).toBe('');
  expect(suggestion('tow', ['one', 'two'])).toBe(', did you mean `two`?');
});
