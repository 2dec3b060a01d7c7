import { expect, test } from 'vitest';
import { everything, filterHistory } from './filter.ts';
import { testEntry } from './fixture.ts';

const history = [
  testEntry(1, { subject: 'host', level: 'bad', host: 'a', title: 'a is lost', detail: 'no answer' }),
  testEntry(2, { subject: 'probe', level: 'good', pair: { from: 'a-1', to: 'b-1', kind: 'ping' } }),
  testEntry(3, { subject: 'pod', host: 'b', pod: 'b-1' }),
];
const ids = (own: Partial<typeof everything>) =>
  filterHistory(history, { ...everything, ...own }).map(({ id }) => id);

test('each filter holds by itself, and all of them together', () => {
  expect(filterHistory(history, everything)).toBe(history);
  expect(ids({ subjects: new Set(['host', 'pod']) })).toEqual(['1', '3']);
  expect(ids({ level: 'good' })).toEqual(['2']);
  expect(ids({ host: 'b' })).toEqual(['3']);
  expect(ids({ text: 'NO lost' })).toEqual(['1']);
  expect(ids({ text: 'b-1' })).toEqual(['2', '3']);
  expect(ids({ text: 'b-1', level: 'good', host: 'b' })).toEqual([]);
});
