import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overlaps } from './geometry.ts';
import { circleLimit, hostSize, neighbourOf, placeHosts, podsShown, switchId } from './layout.ts';

const hosts = (count: number, pods = 3) =>
  Array.from({ length: count }, (_, index) => ({ name: `h${index + 1}`, pods }));

describe('placeHosts', () => {
  test('gives every host and the switch a place, and no two overlap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 60 }),
        fc.double({ min: 0.5, max: 4, noNaN: true }),
        (pods, aspect) => {
          const places = placeHosts(
            pods.map((count, index) => ({ name: `h${index}`, pods: count })),
            aspect,
          );
          const boxes = [...places.values()];
          expect(places.size).toBe(pods.length + 1);
          return boxes.every((one, index) => boxes.slice(index + 1).every((other) => !overlaps(one, other)));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('places the same hosts in the same way', () => {
    expect(placeHosts(hosts(7), 1.5)).toEqual(placeHosts(hosts(7), 1.5));
  });

  test('puts the first of an odd number of hosts above the switch, and an even number left and right of it', () => {
    const three = placeHosts(hosts(3), 1.6);
    expect(three.get('h1')?.x).toBeCloseTo(0, 3);
    expect(three.get('h1')?.y).toBeLessThan(0);
    expect(three.get('h2')?.y).toBeCloseTo(three.get('h3')?.y ?? 0, 3);
    const two = placeHosts(hosts(2), 1.6);
    expect(two.get('h1')?.y).toBeCloseTo(0, 3);
    expect(two.get('h1')?.x).toBeCloseTo(-(two.get('h2')?.x ?? 0), 3);
  });

  test('puts many hosts in rows below the switch that have about the shape of the window', () => {
    const places = placeHosts(hosts(200, 10), 2);
    const boxes = [...places].filter(([name]) => name !== switchId).map(([, box]) => box);
    expect(Math.min(...boxes.map(({ y, height }) => y - height / 2))).toBeGreaterThan(0);
    const width = Math.max(...boxes.map(({ x }) => x)) - Math.min(...boxes.map(({ x }) => x));
    const height = Math.max(...boxes.map(({ y }) => y)) - Math.min(...boxes.map(({ y }) => y));
    expect(width / height).toBeGreaterThan(1.3);
    expect(width / height).toBeLessThan(3);
    expect(boxes.length).toBeGreaterThan(circleLimit);
  });
});

test('a card grows with its pods up to those that it shows', () => {
  expect(hostSize(4).height).toBeGreaterThan(hostSize(1).height);
  expect(hostSize(podsShown + 1)).toEqual(hostSize(podsShown + 50));
});

describe('neighbourOf', () => {
  const grid = new Map(
    [0, 1, 2].flatMap((row) =>
      [0, 1, 2].map((column) => [`${column}${row}`, { x: column * 100, y: row * 100 }]),
    ),
  );

  test('goes to what lies straight ahead', () => {
    expect(neighbourOf(grid, '11', 'left')).toBe('01');
    expect(neighbourOf(grid, '11', 'right')).toBe('21');
    expect(neighbourOf(grid, '11', 'up')).toBe('10');
    expect(neighbourOf(grid, '11', 'down')).toBe('12');
  });

  test('stops at the edge', () => {
    expect(neighbourOf(grid, '00', 'left')).toBeNull();
    expect(neighbourOf(grid, '22', 'down')).toBeNull();
  });

  test('begins with the first where there was none', () => {
    expect(neighbourOf(grid, 'gone', 'up')).toBe('00');
    expect(neighbourOf(new Map(), 'gone', 'up')).toBeNull();
  });

  test('reaches every host around the switch', () => {
    for (const count of [2, 3, 5, 8, 12]) {
      const places = new Map([...placeHosts(hosts(count), 1.8)].filter(([name]) => name !== switchId));
      const reached = new Set(['h1']);
      for (const name of reached)
        for (const direction of ['left', 'right', 'up', 'down'] as const) {
          const next = neighbourOf(places, name, direction);
          if (next !== null) reached.add(next);
        }
      expect([...reached].sort()).toEqual([...places.keys()].sort());
    }
  });
});
