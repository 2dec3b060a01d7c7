import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { endOfLook, observationScript, parseObservation } from './observation.ts';

const link = (name: string, more: object = {}) => ({
  ifindex: 2,
  ifname: name,
  flags: ['BROADCAST', 'UP', 'LOWER_UP'],
  mtu: 1450,
  operstate: 'UNKNOWN',
  link_type: 'ether',
  address: '02:00:00:00:00:01',
  addr_info: [
    { family: 'inet', local: '10.77.2.0', prefixlen: 32 },
    { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
  ],
  stats64: { rx: { bytes: 1000, packets: 3, dropped: 1 }, tx: { bytes: 500, packets: 2, dropped: 4 } },
  ...more,
});

const base = [
  '/proc/stat:cpu  700 50 300 1600 10 0 20 40 0 0',
  '/proc/stat:cpu0 350 25 150 800 5 0 10 20 0 0',
  '/proc/stat:cpu1 350 25 150 800 5 0 10 20 0 0',
  '/proc/stat:btime 1700000000',
  '/proc/uptime:14399.78 17212.42',
  `/proc/1/stat:1 (strange) ) name) S 0 1 1 0 -1 4194560 1947 1640 1 1 26 7 1 1 20 0 1 0 ${'133525'} 20189184 2806`,
  '/proc/sys/kernel/osrelease:6.1.0-13-amd64',
  '/proc/meminfo:MemTotal:       1000 kB',
  '/proc/meminfo:MemAvailable:   400 kB',
  '/run/flannel/docker.env:DOCKER_OPTS=" --bip=10.77.2.1/24 --ip-masq=false --mtu=1450"',
];

const look = (files: readonly string[], links: readonly object[] = [link('flannel.1')]) =>
  [
    '--- files',
    ...files,
    '--- units',
    'active',
    'inactive',
    'failed',
    '--- links',
    JSON.stringify(links),
    '',
  ].join('\n');

describe('a look at a host', () => {
  test('with control groups of version 1', () => {
    const seen = parseObservation(
      look([
        ...base,
        '/sys/fs/cgroup/cpuacct/cpuacct.usage:2500000000',
        '/sys/fs/cgroup/memory/memory.usage_in_bytes:300000',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes:9223372036854771712',
        '/sys/fs/cgroup/memory/memory.stat:inactive_file 7',
        '/sys/fs/cgroup/memory/memory.stat:total_inactive_file 100000',
      ]),
    );
    expect(seen).toEqual({
      monotonic: 14399.78,
      firstProcess: 1335.25,
      bootedAt: new Date(1_700_001_335_250).toISOString(),
      kernel: '6.1.0-13-amd64',
      processors: 2,
      cpu: 2.5,
      machine: { total: 27.2, steal: 0.4 },
      memoryBytes: 200_000,
      memoryLimitBytes: 1_024_000,
      units: ['active', 'inactive', 'failed'],
      dockerOptions: 'DOCKER_OPTS=" --bip=10.77.2.1/24 --ip-masq=false --mtu=1450"',
      links: [
        {
          name: 'flannel.1',
          flags: ['BROADCAST', 'UP', 'LOWER_UP'],
          operationalState: 'UNKNOWN',
          mtu: 1450,
          hardwareAddress: '02:00:00:00:00:01',
          addresses: ['10.77.2.0/32', 'fe80::1/64'],
          receivedBytes: 1000,
          sentBytes: 500,
          drops: 5,
        },
      ],
    });
  });

  test('with control groups of version 2 and a memory limit', () => {
    const groups = [
      '/sys/fs/cgroup/cpu.stat:usage_usec 1500000',
      '/sys/fs/cgroup/memory.current:300000',
      '/sys/fs/cgroup/memory.max:500000',
      '/sys/fs/cgroup/memory.stat:inactive_file 100000',
    ];
    expect(parseObservation(look([...base, ...groups]))).toMatchObject({
      cpu: 1.5,
      memoryBytes: 200_000,
      memoryLimitBytes: 500_000,
    });
    const unlimited = groups.map((line) => line.replace(':500000', ':max'));
    expect(parseObservation(look([...base, ...unlimited])).memoryLimitBytes).toBe(1_024_000);
  });

  test('of a machine without groups of its own: all of it counts', () => {
    expect(parseObservation(look(base))).toMatchObject({
      cpu: 10.7,
      memoryBytes: 600 * 1024,
      memoryLimitBytes: 1000 * 1024,
    });
  });

  test('of a device without hardware address', () => {
    const { address: _, ...tun } = link('flannel0');
    expect(parseObservation(look(base, [tun])).links[0]?.hardwareAddress).toBeNull();
  });

  test.each([
    ['nothing', ''],
    ['no first process', look(base.filter((line) => !line.startsWith('/proc/1/')))],
    ['no uptime', look(base.filter((line) => !line.startsWith('/proc/uptime')))],
    ['strange links', look(base).replace('"mtu":1450', '"mtu":"big"')],
    ['cut short', look(base).slice(0, -20)],
  ])('that has %s is none', (_, text) => {
    expect(() => parseObservation(text)).toThrow();
  });
});

test('the script looks once for each line that it reads, and ends with its input', () => {
  const printed = execFileSync('sh', ['-c', observationScript], {
    input: '\n\n',
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const looks = printed.split(`${endOfLook}\n`);
  expect(looks).toHaveLength(3);
  expect(looks[2]).toBe('');
  for (const text of looks.slice(0, 2)) {
    const seen = parseObservation(text);
    expect(seen.links.some(({ name }) => name === 'lo')).toBe(true);
    expect(seen.processors).toBeGreaterThan(0);
    expect(Date.parse(seen.bootedAt)).toBeLessThan(Date.now());
  }
});
