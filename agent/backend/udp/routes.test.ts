import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cidrContains } from '../../../contract/ipv4.ts';
import { routeLookup } from './routes.ts';

const subnets = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }))
  .map(([address, length]) => ({ base: address - (address % 2 ** (32 - length)), length }));
const routes = fc.uniqueArray(fc.record({ subnet: subnets, nextHop: fc.integer({ min: 1, max: 1000 }) }), {
  selector: ({ subnet }) => `${subnet.base}/${subnet.length}`,
  maxLength: 20,
});

test('the longest prefix that contains the destination wins, as in a plain search', () => {
  fc.assert(
    fc.property(routes, fc.array(fc.integer({ min: 0, max: 0xffffffff })), (table, addresses) => {
      const nextHopOf = routeLookup(table);
      const edges = table.flatMap(({ subnet }) =>
        [subnet.base, subnet.base, subnet.base ^ 1].map((each) => each >>> 0),
      );
      for (const address of [...addresses, ...edges]) {
        const fitting = table.filter(({ subnet }) => cidrContains(subnet, address));
        fitting.sort((one, other) => other.subnet.length - one.subnet.length);
        expect(nextHopOf(address)).toBe(fitting[0]?.nextHop ?? null);
      }
    }),
  );
});
