import { z } from 'zod';
import type { Point } from './geometry.ts';

const coordinate = z.number().min(-100_000).max(100_000);
const remembered = z.record(z.string(), z.object({ x: coordinate, y: coordinate }));

const keyOf = (lab: string): string => `flatland-positions ${lab}`;

/** Where a person has put the hosts of a lab; whatever is not to be understood is as good as nothing. */
export function readPositions(storage: Storage, lab: string): ReadonlyMap<string, Point> {
  try {
    const parsed = remembered.safeParse(JSON.parse(storage.getItem(keyOf(lab)) ?? '{}'));
    return new Map(Object.entries(parsed.success ? parsed.data : {}));
  } catch {
    return new Map();
  }
}

/** Remembers where the hosts are, or forgets it when there is none. A full storage is no reason to stop. */
export function writePositions(storage: Storage, lab: string, positions: ReadonlyMap<string, Point>): void {
  try {
    if (positions.size === 0) storage.removeItem(keyOf(lab));
    else storage.setItem(keyOf(lab), JSON.stringify(Object.fromEntries(positions)));
  } catch {
    // Without storage the places hold until the page is left.
  }
}
