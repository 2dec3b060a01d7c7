import { expect, test } from 'vitest';
import { alignColumns } from './align-columns.ts';

test('columns begin below each other, and no line ends with blanks', () => {
  const text = alignColumns([
    ['host', 'state', 'address'],
    ['h1', 'connected', '10.77.1.1'],
    ['long-name', 'lost', ''],
  ]);
  expect(text).toBe(
    ['host       state      address', 'h1         connected  10.77.1.1', 'long-name  lost'].join('\n'),
  );
});
