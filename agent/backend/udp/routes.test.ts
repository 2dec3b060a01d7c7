import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cidrContains } from '../../../contract/ipv4.ts';
import { makeRouteMemory, routeReader, routeWriter } from './routes.ts';

const subnets = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }))
  .map(([address, length]) => ({ base: address - (address % 2 ** (32 - length)), length }));
const routes = fc.uniqueArray(fc.record({ subnet: subnets, nextHop: fc.integer({ min: 1, max: 1000 }) }), {
  selector: ({ subnet }) => `${subnet.base}/${subnet.length}`,
  maxLength: 20,
});

test('the longest prefix that contains the destination wins, as in a plain search, after every change', () => {
  const memory = makeRouteMemory();
  const writer = routeWriter(memory);
  const reader = routeReader(memory, 'out');
  fc.assert(
    fc.property(routes, fc.array(fc.integer({ min: 0, max: 0xffffffff })), (table, addresses) => {
      writer.publish(table);
      const edges = table.flatMap(({ subnet }) =>
        [subnet.base, subnet.base, subnet.base ^ 1].map((each) => each >>> 0),
      );
      for (const address of [...addresses, ...edges]) {
        const fitting = table.filter(({ subnet }) => cidrContains(subnet, address));
        fitting.sort((one, other) => other.subnet.length - one.subnet.length);
        expect(reader.find(address) ? reader.nextHop : null).toBe(fitting[0]?.nextHop ?? null);
        expect(reader.findHost(address)).toBe(table.some(({ nextHop }) => nextHop === address));
      }
      for (const { nextHop } of table) expect(reader.findHost(nextHop)).toBe(true);
    }),
  );
});

test('a peer’s counts start at nothing, stay while others come and go, and are not another’s later', () => {
  const memory = makeRouteMemory();
  const writer = routeWriter(memory);
  const [out, inward] = [routeReader(memory, 'out'), routeReader(memory, 'in')];
  const peer = (number: number) => ({
    subnet: { base: 0x0a050000 + number * 256, length: 24 },
    nextHop: number,
  });
  writer.publish([peer(1), peer(2)]);
  for (const reader of [out, inward]) {
    expect(reader.find(0x0a050203)).toBe(true);
    reader.count(reader.slot, 2, 300);
  }
  const none = { outPackets: 0, outBytes: 0, inPackets: 0, inBytes: 0 };
  const some = { outPackets: 2, outBytes: 300, inPackets: 2, inBytes: 300 };
  expect(writer.counters()).toEqual([
    { subnet: '10.5.1.0/24', ...none },
    { subnet: '10.5.2.0/24', ...some },
  ]);
  writer.publish([peer(2)]);
  expect(writer.counters()).toEqual([{ subnet: '10.5.2.0/24', ...some }]);
  writer.publish([peer(1)]);
  writer.publish([peer(3), peer(4)]);
  expect(writer.counters().map(({ outPackets }) => outPackets)).toEqual([0, 0]);
});

test('four thousand peers are all found', () => {
  const memory = makeRouteMemory();
  const peers = Array.from({ length: 4000 }, (_, number) => ({
    subnet: { base: 0x0a000000 + number * 256, length: 24 },
    nextHop: 0xc0a80000 + number,
  }));
  routeWriter(memory).publish(peers);
  const reader = routeReader(memory, 'in');
  for (const { subnet, nextHop } of peers) {
    expect([reader.find(subnet.base + 7), reader.nextHop]).toEqual([true, nextHop]);
    expect(reader.findHost(nextHop)).toBe(true);
  }
  expect(reader.find(0x0b000000)).toBe(false);
});
