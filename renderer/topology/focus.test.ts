import { expect, test } from 'vitest';
import { detailAt, focusOf, useLook } from './focus.ts';
import { pairKey } from './pairs.ts';

const fresh = useLook.getInitialState();

test('what is pointed at counts before what was chosen', () => {
  const chosen = { ...fresh, selection: { kind: 'pod', host: 'h1', pod: 'a' } as const };
  expect([...focusOf(chosen).hosts]).toEqual(['h1']);
  expect([...focusOf({ ...chosen, hoveredHost: 'h2' }).hosts]).toEqual(['h2']);
  expect(focusOf({ ...chosen, hoveredPair: 'h3 h4' })).toEqual({ hosts: new Set(), pair: 'h3 h4' });
});

test('a chosen pair stands out whichever of its hosts was named first', () => {
  const selection = { kind: 'pair', one: 'h2', other: 'h1' } as const;
  expect(focusOf({ ...fresh, selection })).toEqual({ hosts: new Set(), pair: pairKey('h1', 'h2') });
});

test('the farther one looks from, the less is drawn', () => {
  expect([1, 0.4, 0.2, 0.1].map(detailAt)).toEqual(['card', 'tile', 'dot', 'speck']);
});
