import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitHash } from './location.ts';
import { crumbsOf, decodePart, places } from './routes.ts';

test('a query belongs to its place', () => {
  expect(splitHash('#/new?sample=one-host')).toEqual({ path: '/new', query: 'sample=one-host' });
  expect(splitHash('')).toEqual({ path: '/', query: '' });
  expect(splitHash(`#${places.create({ lab: 'a&b' })}`).query).toBe('lab=a%26b');
});

test('breadcrumbs lead from all labs to where we are', () => {
  expect(crumbsOf('/')).toEqual([{ label: 'Labs', place: '/' }]);
  expect(crumbsOf(places.probes('demo', { from: 'a', to: 'b' })).map(({ label }) => label)).toEqual([
    'Labs',
    'demo',
    'Probes',
    'a → b',
  ]);
  expect(crumbsOf('/new', 'lab=demo').map(({ label }) => label)).toEqual(['Labs', 'demo', 'Edit']);
  expect(crumbsOf('/new', 'sample=one-host').map(({ label }) => label)).toEqual(['Labs', 'New lab']);
});

test('any name survives being part of a place, and a damaged place is no error', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (name) => {
      expect(crumbsOf(places.topology(name))[1]?.label).toBe(name);
    }),
  );
  expect(decodePart('%E0%A4%A')).toBe('%E0%A4%A');
});
