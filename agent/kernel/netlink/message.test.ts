import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Attribute,
  addressOf,
  numberOf,
  readAttributes,
  readMessages,
  requestLength,
  textOf,
  writeRequest,
} from './message.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((each): Buffer => Buffer.from(each));
const attributes = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 0x3fff }), bytes(40)).map((each): Attribute => each),
  { selector: ([type]) => type, maxLength: 6 },
);
const requests = fc.array(
  fc.record({
    type: fc.integer({ min: 16, max: 0xffff }),
    flags: fc.integer({ min: 0, max: 0xffff }),
    fixed: fc
      .integer({ min: 0, max: 4 })
      .chain((words) =>
        fc
          .uint8Array({ minLength: words * 4, maxLength: words * 4 })
          .map((each): Buffer => Buffer.from(each)),
      ),
    attributes,
  }),
  { maxLength: 8 },
);

/** All requests in one buffer, as they go out. */
function written(each: Parameters<typeof writeRequest>[2][]): Buffer {
  const target = Buffer.alloc(
    each.reduce((sum, request) => sum + requestLength(request), 0),
    0xff,
  );
  each.reduce((at, request, index) => writeRequest(target, at, request, index + 1), 0);
  return target;
}

test('what is written is read again, whatever the lengths', () => {
  fc.assert(
    fc.property(requests, (all) => {
      const messages = readMessages(written(all));
      expect(messages).toHaveLength(all.length);
      for (const [index, request] of all.entries()) {
        const message = messages[index];
        expect(message).toMatchObject({
          type: request.type,
          flags: request.flags,
          sequence: index + 1,
          port: 0,
        });
        const body = message?.body ?? Buffer.alloc(0);
        expect(body.subarray(0, request.fixed.length).equals(request.fixed)).toBe(true);
        expect([...readAttributes(body, request.fixed.length)]).toEqual(
          request.attributes.map(([type, value]) => [type, value]),
        );
      }
    }),
  );
});

test('bytes that are cut off or make no sense are left out and never throw', () => {
  fc.assert(
    fc.property(fc.oneof(bytes(200), requests.map(written)), fc.nat(), (all, cut) => {
      const part = all.subarray(0, cut % (all.length + 1));
      for (const { body } of readMessages(part))
        for (const value of readAttributes(body).values()) {
          numberOf(value);
          addressOf(value);
          textOf(value);
          readAttributes(value);
        }
      expect(readMessages(part).length).toBeLessThanOrEqual(readMessages(all).length);
    }),
    { numRuns: 2000 },
  );
});
