import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundsOf, contains, distanceToPath, overlaps, type Path, pointOf, visiblePart } from './geometry.ts';

const box = (x: number, y: number) => ({ x, y, width: 100, height: 60 });
const straight: Path = {
  kind: 'rail',
  points: [
    { x: 0, y: 0 },
    { x: 300, y: 0 },
    { x: 300, y: 100 },
  ],
};
const curve: Path = {
  kind: 'curve',
  points: [
    { x: 0, y: 0 },
    { x: 200, y: 100 },
    { x: 400, y: 0 },
  ],
};

test('a point of a rail is so far along as its share says, around its corners', () => {
  expect(pointOf(straight, 0)).toEqual({ x: 0, y: 0 });
  expect(pointOf(straight, 0.5)).toEqual({ x: 200, y: 0 });
  expect(pointOf(straight, 1)).toEqual({ x: 300, y: 100 });
});

test('a curve begins and ends at its ends and bows towards its control point', () => {
  expect(pointOf(curve, 0)).toEqual({ x: 0, y: 0 });
  expect(pointOf(curve, 0.5)).toEqual({ x: 200, y: 50 });
  expect(pointOf(curve, 1)).toEqual({ x: 400, y: 0 });
});

test('the distance to a path is that to its nearest point', () => {
  expect(distanceToPath({ x: 150, y: 12 }, straight)).toBeCloseTo(12);
  expect(distanceToPath({ x: 310, y: 50 }, straight)).toBeCloseTo(10);
  expect(distanceToPath({ x: 200, y: 60 }, curve)).toBeCloseTo(10, 0);
});

test('only the part between the boxes is visible, and none when they cover it all', () => {
  const part = visiblePart(
    {
      kind: 'rail',
      points: [
        { x: 0, y: 0 },
        { x: 400, y: 0 },
      ],
    },
    box(0, 0),
    box(400, 0),
  );
  expect(part?.from).toBeCloseTo(0.125, 1);
  expect(part?.to).toBeCloseTo(0.875, 1);
  expect(
    visiblePart(
      {
        kind: 'rail',
        points: [
          { x: 0, y: 0 },
          { x: 60, y: 0 },
        ],
      },
      box(0, 0),
      box(60, 0),
    ),
  ).toBeNull();
});

test('bounds contain every box', () => {
  const coordinate = fc.integer({ min: -5000, max: 5000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(coordinate, coordinate), { minLength: 1 }), (places) => {
      const boxes = places.map(([x, y]) => box(x, y));
      const bounds = boundsOf(boxes, 5);
      return boxes.every((one) => bounds !== null && contains(bounds, one) && overlaps(bounds, one));
    }),
  );
  expect(boundsOf([], 5)).toBeNull();
});
