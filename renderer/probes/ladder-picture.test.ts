import { expect, test } from 'vitest';
import type { MtuLadder } from '../../contract/probe.ts';
import { ladderPicture, ladderSentence } from './ladder-picture.ts';

const end = { kind: 'pod' as const, name: 'a-1', host: 'a', address: '10.77.0.2' };
const rung = (size: number, outcome: 'passed' | 'refused' | 'dropped') => ({
  size,
  outcome,
  milliseconds: null,
  said: null,
});
const vxlan: MtuLadder = {
  at: '2026-01-01T00:00:00.000Z',
  from: end,
  to: { ...end, name: 'b-1' },
  backend: 'vxlan',
  underlayMtu: 1500,
  expectedMtu: 1450,
  largest: 1450,
  headers: [
    { name: 'IPv4', bytes: 20 },
    { name: 'UDP', bytes: 8 },
    { name: 'VXLAN', bytes: 8 },
    { name: 'Ethernet', bytes: 14 },
  ],
  rungs: [rung(68, 'passed'), rung(1451, 'refused'), rung(1450, 'passed'), rung(9000, 'refused')],
};

test('the packet is to scale and fills what the underlay carries', () => {
  const { packet, headers, overhead, wireBytes } = ladderPicture(vxlan);
  expect([overhead, wireBytes]).toEqual([50, 1500]);
  expect(packet.map(({ bytes }) => bytes)).toEqual([20, 8, 8, 14, 1450]);
  expect(packet.at(-1)?.share).toBeCloseTo(1450 / 1500);
  expect(packet.at(-1)?.start).toBeCloseTo(50 / 1500);
  expect(headers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});

test('bars stand largest first, and their lengths compare with the marks', () => {
  const { bars, marks } = ladderPicture(vxlan);
  expect(bars.map(({ rung: { size } }) => size)).toEqual([9000, 1451, 1450, 68]);
  expect(bars[0]).toMatchObject({ beyond: true, length: 1 });
  const expected = marks.find(({ name }) => name === 'expected')?.position ?? 0;
  expect(bars[2]?.length).toBeCloseTo(expected);
  expect(bars[1]?.length).toBeGreaterThan(expected);
});

test('a backend that adds nothing has a packet and no headers', () => {
  const { packet, headers, overhead } = ladderPicture({ ...vxlan, headers: [], expectedMtu: 1500 });
  expect(packet).toHaveLength(1);
  expect(headers).toEqual([]);
  expect(overhead).toBe(0);
});

test('the sentence explains the number', () => {
  expect(ladderSentence(vxlan, false)).toBe(
    '1450 bytes pass, as expected: 1500 of the underlay less 50 of the overlay',
  );
  expect(ladderSentence({ ...vxlan, largest: 1400 }, false)).toMatch(/^Only 1400 bytes pass, 50 fewer/);
  expect(ladderSentence({ ...vxlan, largest: null }, false)).toMatch(/^No size passed/);
  expect(ladderSentence({ ...vxlan, largest: 68 }, true)).toBe('68 bytes pass so far');
});
