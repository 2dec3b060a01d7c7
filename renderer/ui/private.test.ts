import { expect, test } from 'vitest';
import { hidePrivate } from './private.ts';

test('paths, addresses, accounts and secrets are hidden, words stay', () => {
  expect(hidePrivate('cannot write /home/me/.local/share/flatland/lab.json: disk full')).toBe(
    'cannot write •••: disk full',
  );
  expect(hidePrivate('The overlay 10.77.0.0/16 overlaps 10.0.0.0/8 (route on eth0).')).toBe(
    'The overlay ••• overlaps ••• (route on eth0).',
  );
  expect(hidePrivate('ssh me@build.example refused')).toBe('ssh ••• refused');
  expect(hidePrivate('key 0123456789abcdef0123456789abcdef')).toBe('key •••');
  expect(hidePrivate('h1: Docker, 2 of 6 pairs, and/or 1450 bytes')).toBe(
    'h1: Docker, 2 of 6 pairs, and/or 1450 bytes',
  );
});
