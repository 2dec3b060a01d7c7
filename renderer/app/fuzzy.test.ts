import { expect, test } from 'vitest';
import { fuzzyScore, fuzzySearch } from './fuzzy.ts';

const find = (query: string, labels: readonly string[]) =>
  fuzzySearch(query, labels, (label) => ({ label, more: '' }), 10);

test('a beginning of a word is found before its middle', () => {
  expect(find('lab', ['Collab', 'Take down lab'])[0]).toBe('Take down lab');
});

test('initials are enough', () => {
  expect(find('nl', ['Go to timeline', 'New lab'])[0]).toBe('New lab');
  expect(find('pa', ['Copy diagnostics', 'Probe all pairs'])[0]).toBe('Probe all pairs');
});

test('what has not all the letters in order is not found, and nothing asked finds all', () => {
  expect(fuzzyScore('xyz', 'New lab')).toBeNull();
  expect(fuzzyScore('ban', 'nab')).toBeNull();
  expect(find('', ['b', 'a'])).toEqual(['b', 'a']);
});

test('other words of an entry find it too, after those that are named so', () => {
  const entries = [
    { label: 'Take down', more: 'delete remove' },
    { label: 'Remove pod', more: '' },
  ];
  expect(fuzzySearch('remove', entries, (entry) => entry, 10).map(({ label }) => label)).toEqual([
    'Remove pod',
    'Take down',
  ]);
});
