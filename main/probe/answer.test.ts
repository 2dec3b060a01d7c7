import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProbeEnd } from '../../contract/probe.ts';
import {
  expectation,
  judgeHttp,
  judgeMtu,
  judgePing,
  judgeSource,
  parseAddresses,
  parseMeasurement,
} from './answer.ts';

const pod: ProbeEnd = { kind: 'pod', name: 'h1-a', host: 'h1', address: '10.77.1.2' };
const host: ProbeEnd = { kind: 'host', name: 'h1', host: 'h1', address: '10.210.0.11' };
const three =
  'PING 10.77.2.2 (10.77.2.2) 1422(1450) bytes of data. 1430 bytes from 10.77.2.2: icmp_seq=1 ttl=62 time=0.912 ms 1430 bytes from 10.77.2.2: icmp_seq=2 ttl=62 time=0.101 ms 1430 bytes from 10.77.2.2: icmp_seq=3 ttl=62 time=0.105 ms --- 10.77.2.2 ping statistics --- 3 packets transmitted, 3 received, 0% packet loss, time 5ms rtt min/avg/max/mdev = 0.101/0.372/0.912/0.381 ms';
const answer = (name: string, source: string, status = 200) =>
  `HTTP/1.1 ${status} OK Content-Type: application/json {"pod":"${name}","source":"${source}"}`;

test('lines of the script', () => {
  expect(parseMeasurement('ping\t0\t12\tsome words')).toEqual({
    kind: 'ping',
    source: 0,
    target: 12,
    text: 'some words',
  });
  expect(parseMeasurement('closed\t3\t-\t-')).toEqual({ kind: 'closed', source: 3 });
  expect(parseMeasurement('addresses\t-\t-\t1: lo')).toEqual({ kind: 'addresses', text: '1: lo' });
});

test.each([
  '',
  'ping',
  'ping\t0\t1',
  'ping\t0\t1\ta\tb',
  'ping\t-1\t1\ta',
  'ping\t0x1\t1\ta',
  'ping\t01\t1\ta',
  'ping\t1e3\t1\ta',
  'ping\t99999\t1\ta',
  'ping\t\t\t',
  'pong\t0\t1\ta',
  'closed\t-\t-\t-',
  'addresses\t0\t0\ta',
  'sh: 1: ping: not found',
  '__proto__\t0\t0\ta',
])('%j is no line of the script', (line) => {
  expect(parseMeasurement(line)).toBeNull();
});

test('the RTT is the median, so one slow first packet does not count', () => {
  expect(judgePing(three)).toEqual({ ok: true, seen: '0 % loss, 0.105 ms', milliseconds: 0.105 });
});

test('loss is red, whatever came back', () => {
  const lossy = three
    .replace('3 received, 0%', '2 received, 33.3333%')
    .replace('1430 bytes from 10.77.2.2: icmp_seq=1 ttl=62 time=0.912 ms ', '');
  expect(judgePing(lossy)).toMatchObject({ ok: false, seen: '33.3333 % loss, 0.101 ms' });
  expect(judgePing('3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2ms')).toEqual({
    ok: false,
    seen: '100 % loss',
    milliseconds: null,
  });
  expect(judgePing('3 packets transmitted, 3 received, 0% packet loss')).toMatchObject({ ok: false });
});

test('the MTU found must be the expected one', () => {
  expect(judgeMtu('1450', 1450)).toMatchObject({ ok: true, seen: '1450 bytes' });
  expect(judgeMtu('1400', 1450)).toMatchObject({ ok: false, seen: '1400 bytes' });
  expect(judgeMtu('1500', 1450)).toMatchObject({ ok: false, seen: '1500 bytes' });
  expect(judgeMtu('1400 597', 1450).seen).toBe('1400 bytes (as its kernel remembers for 597 s)');
  expect(judgeMtu('none', 1450)).toMatchObject({ ok: false, seen: 'no answer' });
  expect(judgeMtu('1450x', 1450)).toMatchObject({ ok: false, seen: 'unreadable answer: 1450x' });
});

test('the server must have seen the pod itself, or any address of the host', () => {
  const addresses = new Set(['10.210.0.11', '10.77.1.1', '10.77.1.0']);
  expect(judgeSource(answer('h2-a', '10.77.1.2'), pod, addresses)).toMatchObject({
    ok: true,
    seen: '10.77.1.2',
  });
  expect(judgeSource(answer('h2-a', '10.210.0.11'), pod, addresses)).toMatchObject({
    ok: false,
    seen: '10.210.0.11',
  });
  expect(judgeSource(answer('h2-a', '10.77.1.0'), host, addresses).ok).toBe(true);
  expect(judgeSource(answer('h2-a', '10.77.1.2'), host, addresses).ok).toBe(false);
  expect(judgeSource('HTTP/1.1 200 OK <h1>nginx</h1>', pod, addresses).seen).toBe(
    'the server does not say whom it saw',
  );
  expect(expectation('source', host, 1450)).toBe('an address of h1');
});

test('HTTP must be answered with 200, and by the right pod', () => {
  expect(judgeHttp(answer('h1-a', '10.77.1.3'), pod)).toMatchObject({ ok: true, seen: 'HTTP 200' });
  expect(judgeHttp(answer('h9-z', '10.77.1.3'), pod)).toMatchObject({ ok: false, seen: 'answered by h9-z' });
  expect(judgeHttp('HTTP/1.1 404 Not Found', pod)).toMatchObject({ ok: false, seen: 'HTTP 404' });
  expect(judgeHttp('HTTP/1.0 200 OK <h1>nginx</h1>', pod).ok).toBe(true);
  // Only the first status counts: a page may quote another.
  expect(judgeHttp('HTTP/1.1 500 Oops Content-Type: text/plain see HTTP/1.1 200 OK', pod).ok).toBe(false);
  expect(judgeHttp('failed: Connection refused.', pod).seen).toBe('connection refused');
  expect(judgeHttp('failed: No route to host.', pod).seen).toBe('no route to the pod');
  expect(judgeHttp('', pod).seen).toBe('no answer within 2 s');
});

test('addresses of a host', () => {
  const text =
    '1: lo inet 127.0.0.1/8 scope host lo valid_lft forever 7: flannel.1 inet 10.77.1.0/32 scope global flannel.1 8: ppp0 inet 10.9.0.1 peer 10.9.0.2/32 scope global ppp0';
  expect([...parseAddresses(text)]).toEqual(['127.0.0.1', '10.77.1.0', '10.9.0.1']);
});

test('whatever a host prints: never an error, never green by accident, no control characters, never long', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc
      .tuple(
        fc.constantFrom(three, answer('h1-a', '10.77.1.2'), '1450'),
        fc.nat(400),
        fc.string({ unit: 'binary' }),
      )
      .map(([text, at, junk]) => text.slice(0, at) + junk),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const printable = /^[\x20-\x7e]{1,140}$/;
      for (const verdict of [
        judgePing(text),
        judgeMtu(text, 1450),
        judgeSource(text, pod, new Set()),
        judgeHttp(text, pod),
      ]) {
        expect(verdict.seen).toMatch(printable);
        if (verdict.milliseconds !== null) expect(Number.isFinite(verdict.milliseconds)).toBe(true);
      }
      if (judgeMtu(text, 1450).ok) expect(text).toMatch(/^1450( \d{1,5})?$/);
      const line = parseMeasurement(text);
      if (line !== null) expect(text.split('\t')).toHaveLength(4);
    }),
    { numRuns: 2000 },
  );
});
