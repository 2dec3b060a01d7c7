import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moveBy } from './grid-keys.ts';

const extent = { rows: 9, columns: 6, pageRows: 5, pageColumns: 3 };
const press = (key: string, own: { ctrl?: boolean; alt?: boolean } = {}) => ({
  key,
  ctrl: false,
  alt: false,
  ...own,
});

test('keys lead where the grid pattern says', () => {
  const place = { row: 4, column: 3 };
  expect(moveBy(place, press('ArrowUp'), extent)).toEqual({ row: 3, column: 3 });
  expect(moveBy(place, press('Home'), extent)).toEqual({ row: 4, column: 1 });
  expect(moveBy(place, press('End', { ctrl: true }), extent)).toEqual({ row: 9, column: 6 });
  expect(moveBy(place, press('PageDown'), extent)).toEqual({ row: 9, column: 3 });
  expect(moveBy(place, press('PageUp', { alt: true }), extent)).toEqual({ row: 4, column: 0 });
  expect(moveBy(place, press('x'), extent)).toBeNull();
});

test('no key leaves the grid', () => {
  const keys = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...keys), fc.boolean(), fc.boolean()), { maxLength: 30 }),
      (pressed) => {
        let place = { row: 1, column: 1 };
        for (const [key, ctrl, alt] of pressed)
          place = moveBy(place, press(key, { ctrl, alt }), extent) ?? place;
        expect(place.row).toBeGreaterThanOrEqual(0);
        expect(place.row).toBeLessThanOrEqual(extent.rows);
        expect(place.column).toBeGreaterThanOrEqual(0);
        expect(place.column).toBeLessThanOrEqual(extent.columns);
      },
    ),
  );
});
