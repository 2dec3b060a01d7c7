import type { SortKey } from './pods.ts';

/** A column of the table of containers; `style` is the name of its class. */
export interface Column {
  readonly name: string;
  readonly style: string;
  readonly sort?: SortKey;
}

/** How many columns there is room for; what is left out stands in a row's menu. */
export type Room = 'all' | 'most' | 'some' | 'few';

const image: Column = { name: 'Image', style: 'imageColumn', sort: 'image' };
const few: readonly Column[] = [
  { name: 'Name', style: 'nameColumn', sort: 'name' },
  { name: 'State', style: 'stateColumn', sort: 'state' },
  { name: 'Address', style: 'addressColumn', sort: 'address' },
];
const some = [...few, image];
const most = [...some, { name: 'Command', style: 'commandColumn' }, { name: 'Ports', style: 'portsColumn' }];

export const columnsIn: Record<Room, readonly Column[]> = {
  few,
  some,
  most,
  all: [...most, { name: 'Labels', style: 'labelsColumn' }, { name: 'Origin', style: 'originColumn' }],
};

/** The room in a width, which is in rem: larger type leaves less. */
export function roomIn(width: number): Room {
  if (width > 64) return 'all';
  if (width > 52) return 'most';
  return width > 38 ? 'some' : 'few';
}
