import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LadderRung } from '../../contract/probe.ts';
import { firstSizes, judgeRung, ladderScript, largestPassed, nextSizes, parseRung } from './ladder.ts';

const rung = (size: number, outcome: LadderRung['outcome']): LadderRung => ({
  ...{ size, outcome },
  ...{ milliseconds: outcome === 'passed' ? 0.2 : null, said: null },
});

test('the first sizes are in order, each once, on both sides of what is expected', () => {
  expect(firstSizes(1450, 1500)).toEqual([576, 1280, 1400, 1450, 1451, 1500, 9000]);
  expect(firstSizes(1500, 1500)).toEqual([576, 1280, 1400, 1500, 1501, 9000]);
  expect(firstSizes(8950, 9000)).toEqual([576, 1280, 1400, 1500, 8950, 8951, 9000]);
});

test('whatever passes, the exact size is found within ten rounds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 68, max: 65_535 }),
      fc.constantFrom(1450, 1472, 8950),
      (truth, expected) => {
        let rungs: LadderRung[] = [];
        let sizes = firstSizes(expected, expected + 50);
        let rounds = 0;
        while (sizes.length > 0) {
          expect(sizes.filter((size) => rungs.some((known) => known.size === size))).toEqual([]);
          rungs = [...rungs, ...sizes.map((size) => rung(size, size <= truth ? 'passed' : 'dropped'))];
          sizes = nextSizes(rungs);
          rounds += 1;
        }
        expect(largestPassed(rungs)).toBe(truth);
        expect(rounds).toBeLessThanOrEqual(10);
      },
    ),
  );
});

test('a dead path is given up after one small packet', () => {
  const dead = firstSizes(1450, 1500).map((size) => rung(size, 'dropped'));
  expect(nextSizes(dead)).toEqual([68]);
  expect(nextSizes([...dead, rung(68, 'dropped')])).toEqual([]);
  expect(largestPassed(dead)).toBeNull();
});

const head = 'PING 10.77.2.2 (10.77.2.2) 1422(1450) bytes of data.';
const none =
  '--- 10.77.2.2 ping statistics --- 3 packets transmitted, 0 received, 100% packet loss, time 205ms';

test.each([
  [
    `${head} 1430 bytes from 10.77.2.2: icmp_seq=1 ttl=62 time=0.912 ms --- 10.77.2.2 ping statistics --- 3 packets transmitted, 1 received, 66% packet loss, time 5ms`,
    { outcome: 'passed', milliseconds: 0.912, said: null },
  ],
  [
    `${head} ping: local error: message too long, mtu=1450 ping: local error: message too long, mtu=1450 ${none}`,
    { outcome: 'refused', said: 'message too long, mtu=1450' },
  ],
  [
    `${head} From 10.77.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1400) ping: local error: message too long, mtu=1400 ${none}`,
    { outcome: 'dropped', said: 'Frag needed and DF set (mtu = 1400), says 10.77.1.1' },
  ],
  [
    `${head} From 10.210.0.11 icmp_seq=1 Destination Host Unreachable From 10.210.0.11 icmp_seq=2 Destination Host Unreachable ${none}`,
    { outcome: 'dropped', said: 'Destination Host Unreachable, says 10.210.0.11' },
  ],
  [`${head} ${none}`, { outcome: 'dropped', said: 'no answer' }],
  [
    'ping: connect: Network is unreachable',
    { outcome: 'dropped', said: 'unreadable answer: ping: connect: Network is unreachable' },
  ],
])('what ping said: %s', (text, expected) => {
  expect(judgeRung(1450, text)).toMatchObject({ size: 1450, ...expected });
});

test('whatever a host prints, a rung is one that was asked for and its words are short and printable', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '1450\t', '1451\t', '1450\t1\t'),
      (text, start) => {
        const seen = parseRung(start + text, [1450]);
        if (seen === null) return;
        expect(seen.size).toBe(1450);
        expect(seen.said ?? '').toMatch(/^[\x20-\x7e]{0,140}$/);
      },
    ),
  );
  expect(parseRung('1450\tx', [1500])).toBeNull();
});

test('every shell accepts the script, and nothing but numbers and an address gets into it', () => {
  const script = ladderScript({ pid: 12 }, '10.77.2.2', [576, 1450]);
  for (const [program = '', ...options] of [['dash'], ['bash', '--posix'], ['busybox', 'ash']])
    execFileSync(program, [...options, '-n'], { input: script });
  for (const address of ['10.0.0.1; reboot', '$(id)', '::1', ''])
    expect(() => ladderScript({ pid: null }, address, [576])).toThrow();
  for (const size of [0, 67, 65_536, 1450.5])
    expect(() => ladderScript({ pid: null }, '10.0.0.1', [size])).toThrow();
  expect(() => ladderScript({ pid: 0 }, '10.0.0.1', [576])).toThrow();
});
