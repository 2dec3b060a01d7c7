import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookOf, paint } from './look.ts';
import {
  ago,
  clip,
  clipLine,
  duration,
  harmless,
  line,
  lineWidth,
  span,
  spread,
  toAscii,
  widthOf,
} from './text.ts';

describe('widths', () => {
  it('clips by columns, also between wide characters', () => {
    expect(clip('フラット', 5)).toBe('フラ…');
    expect(clip('flat', 4)).toBe('flat');
    expect(clip('flat', 0)).toBe('');
  });

  it('never leaves more columns than asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.nat(60), (texts, width) => {
        const parts = texts.map((text) => span(harmless(text)));
        expect(lineWidth(clipLine(parts, width))).toBeLessThanOrEqual(width);
        expect(lineWidth(spread(parts, line('end'), width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('keeps the width in a locale that is not UTF-8', () => {
    for (const text of ['✓ done · 3 more…', 'h1-a → h2-a', '⠋ フ', '│ x'])
      expect(widthOf(toAscii(text))).toBe(widthOf(text));
    expect(toAscii('✓ h1 → h2…')).toBe('+ h1 > h2.');
  });
});

describe('text of others', () => {
  it('loses what a terminal would obey', () => {
    expect(harmless('a\u001b[2Jb\u202ec\nd\u0007')).toBe('a[2Jbc d');
  });
});

describe('times', () => {
  it('have as many digits as they deserve', () => {
    expect([0, 0.21, 9.96, 59.4, 59.6, 125, 3700, 90_000].map(duration)).toEqual([
      '0.0 s',
      '0.2 s',
      '10.0 s',
      '59 s',
      '1 min 0 s',
      '2 min 5 s',
      '1 h 1 min',
      '1 d 1 h',
    ]);
    expect(ago('2026-01-01T00:00:00.000Z', Date.parse('2026-01-01T00:00:12.400Z'))).toBe('12 s ago');
    expect(ago('2026-01-01T00:00:00.000Z', Date.parse('2026-01-01T00:00:00.400Z'))).toBe('just now');
  });
});

describe('looks', () => {
  const terminal = { isTTY: true };

  it('follow the environment', () => {
    expect(lookOf({ LANG: 'C.UTF-8' }, terminal)).toEqual({ color: true, unicode: true, live: true });
    expect(lookOf({ LANG: 'de_DE.utf8', NO_COLOR: '1' }, terminal)).toEqual({
      color: false,
      unicode: true,
      live: true,
    });
    expect(lookOf({ LC_ALL: 'C', LANG: 'C.UTF-8', CI: 'true' }, terminal)).toEqual({
      color: true,
      unicode: false,
      live: false,
    });
    expect(lookOf({ TERM: 'dumb' }, terminal)).toEqual({ color: false, unicode: false, live: false });
    expect(lookOf({ FORCE_COLOR: '1' }, {}).color).toBe(true);
  });

  it('paint with colours or without', () => {
    const lines = [line(span('✓', 'good'), ' up')];
    expect(paint(lines, { color: true, unicode: true, live: true })).toBe('\u001b[32m✓\u001b[39m up');
    expect(paint(lines, { color: false, unicode: false, live: true })).toBe('+ up');
  });
});
