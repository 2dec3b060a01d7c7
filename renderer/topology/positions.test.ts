import { expect, test } from 'vitest';
import { readPositions, writePositions } from './positions.ts';

function testStorage(refuses = false): Storage {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    clear: () => values.clear(),
    getItem: (key) => values.get(key) ?? null,
    key: (index) => [...values.keys()][index] ?? null,
    removeItem: (key) => void values.delete(key),
    setItem: (key, value) => {
      if (refuses) throw new Error('QuotaExceededError');
      values.set(key, value);
    },
  };
}

test('what was written is read again, for its own lab only', () => {
  const storage = testStorage();
  writePositions(storage, 'demo', new Map([['h1', { x: 10, y: -20 }]]));
  expect(readPositions(storage, 'demo')).toEqual(new Map([['h1', { x: 10, y: -20 }]]));
  expect(readPositions(storage, 'other').size).toBe(0);
});

test('no places are nothing to remember', () => {
  const storage = testStorage();
  writePositions(storage, 'demo', new Map([['h1', { x: 1, y: 1 }]]));
  writePositions(storage, 'demo', new Map());
  expect(storage.length).toBe(0);
});

test.each(['', '{', 'null', '[]', '{"h1":{"x":"1","y":2}}', '{"h1":{"x":1e300,"y":0}}', '{"h1":null}'])(
  'what is not to be understood is as good as nothing: %s',
  (text) => {
    const storage = testStorage();
    writePositions(storage, 'demo', new Map([['h1', { x: 1, y: 1 }]]));
    storage.setItem(storage.key(0) ?? '', text);
    expect(readPositions(storage, 'demo').size).toBe(0);
  },
);

test('a full storage is no reason to stop', () => {
  const storage = testStorage(true);
  expect(() => writePositions(storage, 'demo', new Map([['h1', { x: 1, y: 1 }]]))).not.toThrow();
});
