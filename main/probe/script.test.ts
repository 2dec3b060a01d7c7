import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgePing, parseMeasurement } from './answer.ts';
import { type ProbePair, type ProbeSource, type ProbeTarget, probeScript } from './script.ts';

const settings = { overlayMtu: 1450, parallel: 16, depth: 'mtu' as const };
const target: ProbeTarget = { address: '10.77.1.2', port: 80 };
const sources = fc.array(fc.record({ pid: fc.option(fc.integer({ min: 1, max: 4_194_304 })) }), {
  minLength: 1,
  maxLength: 8,
});
const targets = fc.array(
  fc.record({ address: fc.ipV4(), port: fc.option(fc.integer({ min: 1, max: 65_535 })) }),
  { minLength: 1, maxLength: 30 },
);
const every = (froms: readonly ProbeSource[], tos: readonly ProbeTarget[]): ProbePair[] =>
  froms.flatMap((_, source) => tos.map((_end, index) => ({ source, target: index })));

/** The lines that start a program in a namespace. */
const starts = (script: string) => script.split('\n').filter((line) => /^at_(host|pod \d+) \d/.test(line));

test('every shell accepts the script', () => {
  const script = probeScript(
    [{ pid: 12 }, { pid: null }],
    [target],
    every([{ pid: 12 }, { pid: null }], [target]),
    settings,
  );
  for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'ash']]) {
    const [program = '', ...options] = shell;
    execFileSync(program, [...options, '-n'], { input: script });
    // The inner program is a string to the outer shell, so its syntax is checked on its own.
    const inner = execFileSync(program, [...options, '-s'], {
      input: `${script.slice(script.indexOf("program='"), script.indexOf('at_host()'))}printf %s "$program"`,
    });
    expect(inner.toString()).toContain('ping -n -c 3');
    execFileSync(program, [...options, '-n'], { input: inner });
  }
});

test('every pair is measured once, from its own namespace, by at most so many workers', () => {
  fc.assert(
    fc.property(sources, targets, fc.integer({ min: 1, max: 20 }), (froms, tos, parallel) => {
      const pairs = every(froms, tos);
      const script = probeScript(froms, tos, pairs, { overlayMtu: 1450, parallel, depth: 'mtu' });
      const seen = starts(script).flatMap((line) => {
        const words = line.split(' ');
        const pid = words.shift() === 'at_pod' ? Number(words.shift()) : null;
        const [source = '', ...ends] = words;
        expect(froms[Number(source)]?.pid).toBe(pid);
        expect(ends.length % 3).toBe(0);
        return Array.from({ length: ends.length / 3 }, (_, index) => {
          const [number = '', address, port] = ends.slice(index * 3, index * 3 + 3);
          expect({ address, port: port === '-' ? null : Number(port) }).toEqual(tos[Number(number)]);
          return { source: Number(source), target: Number(number) };
        });
      });
      expect(seen).toHaveLength(pairs.length);
      expect(new Set(seen.map((pair) => JSON.stringify(pair)))).toEqual(
        new Set(pairs.map((pair) => JSON.stringify(pair))),
      );
      expect(script.split('\n').filter((line) => line === '} </dev/null &').length).toBeLessThanOrEqual(
        parallel,
      );
    }),
  );
});

test('nothing but numbers and IPv4 addresses gets into the script', () => {
  const make = (source: ProbeSource, end: ProbeTarget, overlayMtu = 1450) =>
    probeScript([source], [end], [{ source: 0, target: 0 }], { overlayMtu, parallel: 1, depth: 'mtu' });
  const plain = make({ pid: 7 }, target);
  fc.assert(
    fc.property(fc.string(), (address) => {
      fc.pre(!/^\d+\.\d+\.\d+\.\d+$/.test(address));
      expect(() => make({ pid: 7 }, { address, port: 80 })).toThrow();
    }),
  );
  for (const address of ['10.0.0.1; reboot', '$(id)', '10.0.0.256', '::1', '10.0.0.1\n', '']) {
    expect(() => make({ pid: 7 }, { address, port: 80 })).toThrow();
  }
  for (const pid of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => make({ pid }, target)).toThrow();
  }
  for (const port of [0, 65_536, -80, 80.5]) expect(() => make({ pid: 7 }, { ...target, port })).toThrow();
  for (const mtu of [0, 67, 65_536, 1450.5]) expect(() => make({ pid: 7 }, target, mtu)).toThrow();
  expect(() => probeScript([], [target], [{ source: 0, target: 0 }], settings)).toThrow();
  expect(() => probeScript([{ pid: 7 }], [], [{ source: 0, target: 0 }], settings)).toThrow();
  expect(starts(plain)).toEqual(['at_pod 7 0 0 10.77.1.2 80']);
});

test('a reply that a busy machine delayed is no loss: where some came and some did not, it asks again slowly', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fl-test-ping-'));
  try {
    // Two replies of three at the usual pace, all three at the slow one; one byte more than the MTU never passes.
    const ping = `#!/bin/sh
case $* in *'-q'*) exit 1 ;; *'-i 0.2 '*) loss='3 received, 0' ;; *) loss='2 received, 33.3333' ;; esac
echo '1458 bytes from 10.77.1.2: icmp_seq=1 ttl=62 time=0.100 ms'
echo "3 packets transmitted, $loss% packet loss, time 4ms"
echo 'rtt min/avg/max/mdev = 0.100/0.200/0.300/0.010 ms'
`;
    writeFileSync(join(directory, 'ping'), ping, { mode: 0o755 });
    const script = probeScript([{ pid: null }], [target], every([{ pid: null }], [target]), settings);
    const said = execFileSync('sh', ['-s'], {
      input: script,
      env: { PATH: `${directory}:/usr/sbin:/usr/bin:/sbin:/bin` },
    }).toString();
    const [line] = said.split('\n').filter((text) => text.startsWith('ping\t'));
    const measured = parseMeasurement(line ?? '');
    expect(measured?.kind === 'ping' && judgePing(measured.text)).toMatchObject({ ok: true });
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 20_000);
