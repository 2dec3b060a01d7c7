import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  type OverlayHost,
  pings,
  prefix,
  subnetFile,
  type TestOverlay,
  type TrafficReport,
} from '../support/overlay.ts';
import { type BackendName, backends, damages } from './damage.ts';
import { overlaysFor, type Pair } from './overlays.ts';

/* What befalls agents, etcd and the kernel while pods send each other 500 packets a second each way; and what it may cost. */

const overlays = overlaysFor('test');

/** Two hosts with agents that know each other. */
async function start(type: BackendName): Promise<Pair> {
  const pair = await overlays.pair({ Network: '10.5.0.0/16', Backend: { Type: type } });
  // As Docker has it: without the agent's rules nothing passes.
  for (const host of [pair.one, pair.two]) host.sh('iptables -P FORWARD DROP');
  return pair;
}

/** The traffic's losses while something happens. */
async function during(made: TestOverlay, happen: () => Promise<void>): Promise<TrafficReport> {
  const traffic = await made.startTraffic();
  await sleep(200);
  await happen();
  await sleep(200);
  const report = await traffic.stop();
  expect(report.sent).toBeGreaterThan(100);
  return report;
}

const revisionOf = (made: TestOverlay): string =>
  z
    .object({ header: z.object({ revision: z.string() }) })
    .parse(made.gateway('/v3/kv/range', { key: Buffer.from(prefix).toString('base64') })).header.revision;

const connected = (made: TestOverlay, host: OverlayHost, wanted: boolean) =>
  made.until(`etcd ${wanted ? 'found' : 'missed'} by host ${host.number}`, async () =>
    (await host.status())?.etcd.connected === wanted ? true : null,
  );

test.each(backends)('%s: etcd killed, frozen, cut off, compacted or empty costs no packet', async (type) => {
  const { made, one, two } = await start(type);
  const lost: Record<string, TrafficReport['losses']> = {};
  const fault = async (name: string, happen: () => Promise<void>) => {
    lost[name] = (await during(made, happen)).losses;
  };
  const bothConnected = async () => {
    for (const host of [one, two]) await connected(made, host, true);
  };
  await fault('killed', async () => {
    await made.etcd().stop();
    await connected(made, one, false);
    await made.etcd().start();
    await bothConnected();
  });
  await fault('frozen', async () => {
    made.etcd().signal('SIGSTOP');
    await sleep(3000);
    made.etcd().signal('SIGCONT');
    await bothConnected();
  });
  await fault('cut off', async () => {
    made.setEtcdLink('down');
    await sleep(3000);
    made.setEtcdLink('up');
    await bothConnected();
  });
  await fault('compacted while cut off', async () => {
    // A restart ends the watches, so that they ask for a revision that is no more.
    made.setEtcdLink('down');
    await made.etcd().stop();
    await made.etcd().start();
    await made.until('etcd again', () => {
      try {
        made.put(
          'subnets/10.5.9.0-24',
          '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"alloc"}',
        );
        return true;
      } catch {
        return null;
      }
    });
    made.remove('subnets/10.5.9.0-24');
    made.gateway('/v3/kv/compaction', { revision: revisionOf(made), physical: true });
    await connected(made, one, false);
    made.setEtcdLink('up');
    await bothConnected();
    await made.ready(one);
  });
  await fault('empty', async () => {
    await made.replaceEtcd();
    await made.until('both leases', () =>
      [one, two].every(({ number }) => made.read(`subnets/10.5.${number}.0-24`) !== null) ? true : null,
    );
    await made.ready(one);
    await made.ready(two);
  });
  expect(lost).toEqual({ killed: [], frozen: [], 'cut off': [], 'compacted while cut off': [], empty: [] });
  expect((await one.status())?.subnet).toBe(one.subnet);
});

// Together a hundred.
test.each([
  { type: 'vxlan', kills: 34, longestGap: 0 },
  { type: 'host-gw', kills: 34, longestGap: 0 },
  { type: 'udp', kills: 32, longestGap: 499 },
] as const)(
  '$type: an agent killed $kills times loses no more than stated',
  async ({ type, kills, longestGap }) => {
    const { made, one, two } = await start(type);
    const report = await during(made, async () => {
      for (let count = 0; count < kills; ) {
        // udp's one at a time, for each of them alone must be back in time.
        const killed = type === 'udp' ? [count % 2 === 0 ? one : two] : [one, two];
        await Promise.all(killed.map((host) => host.end('SIGKILL')));
        for (const host of killed) host.start();
        count += killed.length;
        // Some die while they are still starting; what carries udp's packets has to be back first.
        if (type !== 'udp' && count % 4 === 0) await sleep(count * 15);
        else await Promise.all(killed.map((host) => made.ready(host)));
      }
      for (const host of [one, two]) await made.ready(host);
    });
    expect(report.losses.filter(({ milliseconds }) => milliseconds > longestGap)).toEqual([]);
    expect([(await one.status())?.subnet, (await two.status())?.subnet]).toEqual([one.subnet, two.subnet]);
  },
);

test.each(backends)(
  '%s: an agent stopped and started again loses no more than one that is killed',
  async (type) => {
    const { made, one } = await start(type);
    const report = await during(made, async () => {
      for (let count = 0; count < 3; count += 1) {
        expect(await one.end('SIGTERM')).toBe(0);
        one.start();
        await made.ready(one);
      }
    });
    expect(report.longestGap).toBeLessThanOrEqual(type === 'udp' ? 499 : 0);
  },
);

test.each(backends)('%s: what others break in the kernel is repaired within seconds', async (type) => {
  const { made, one, two } = await start(type);
  const gaps: Record<string, number> = {};
  for (const { name, types, script } of damages) {
    if (!types.includes(type)) continue;
    const report = await during(made, async () => {
      one.sh(script);
      await sleep(300);
      await made.until(`ping after: ${name}`, () => (pings(one, two) && pings(two, one) ? true : null));
    });
    gaps[name] = report.longestGap;
  }
  const tooLong = Object.entries(gaps).filter(([, gap]) => gap > 6500);
  expect(tooLong).toEqual([]);
  expect((await one.status())?.repairs).toBeGreaterThan(0);
  expect(one.sh('iptables-save -t nat')).toContain('FLANNEL-POSTRTG');
});

test.each(backends)('%s: the agent follows a new address and a new MTU of its interface', async (type) => {
  const { made, one, two } = await start(type);
  const changed = await during(made, async () => {
    one.sh('ip addr del 192.168.50.11/24 dev eth0; ip addr add 192.168.50.77/24 dev eth0');
    one.sh('ip route replace default via 192.168.50.1');
    await made.until('new address in the lease', () =>
      made.read('subnets/10.5.1.0-24')?.includes('"PublicIP":"192.168.50.77"') === true ? true : null,
    );
    await made.until('ping over the new address', () => (pings(one, two) && pings(two, one) ? true : null));
  });
  expect(changed.longestGap).toBeLessThan(10_000);
  expect(await made.ready(one)).toMatchObject({ subnet: one.subnet, publicIp: '192.168.50.77' });

  const before = (await one.status())?.mtu ?? 0;
  const lowered = await during(made, async () => {
    one.sh('ip link set eth0 mtu 1400');
    await made.until('smaller MTU in subnet.env', () =>
      subnetFile(one).includes(`FLANNEL_MTU=${before - 100}\n`) ? true : null,
    );
  });
  expect(lowered.longestGap).toBeLessThan(10_000);
  const status = await made.ready(one);
  expect(status.mtu).toBe(before - 100);
  const device = { vxlan: 'flannel.1', udp: 'flannel0', 'host-gw': 'eth0' }[type];
  expect(one.sh(`cat /sys/class/net/${device}/mtu 2>/dev/null || ip -o link show ${device}`)).toContain(
    `${before - 100}`,
  );
  expect(pings(one, two, before - 128)).toBe(true);
});

test('vxlan: a full disk keeps subnet.env from being written, which is said, and not the packets', async () => {
  const { made, one, two } = await start('vxlan');
  await one.end('SIGKILL');
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', one.files]);
  expect(mounted.status).toBe(0);
  try {
    const filler = join(one.files, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k', 'count=100']);
    const report = await during(made, async () => {
      one.start();
      const waiting = await made.until('wait for the disk', async () => {
        const status = await one.status();
        return status?.waitingFor?.includes('subnet.env') ? status : null;
      });
      expect(waiting.waitingFor).toMatch(/subnet\.env to be written: .*ENOSPC|no space/i);
      rmSync(filler);
      await made.ready(one);
    });
    expect(report.losses).toEqual([]);
    expect(subnetFile(one)).toMatch(
      /^FLANNEL_NETWORK=10\.5\.0\.0\/16\nFLANNEL_SUBNET=10\.5\.\d+\.1\/24\nFLANNEL_MTU=1450\n/,
    );
    expect(pings(one, two)).toBe(true);
  } finally {
    await one.end('SIGKILL');
    spawnSync('umount', [one.files]);
  }
});

test.each(backends)('%s: a clock that jumps a day either way costs no packet and no lease', async (type) => {
  const { made, one, two } = await start(type);
  // The clock of the agent's process alone; that of this machine is not ours to set.
  const offset = join(one.files, 'clock');
  const shim = join(one.files, 'clock.cjs');
  const set = (hours: number) => writeFileSync(offset, String(hours * 3_600_000));
  set(0);
  writeFileSync(
    shim,
    `const { readFileSync } = require('node:fs');
const Real = Date;
const shifted = () => Real.now() + Number(readFileSync(${JSON.stringify(offset)}, 'utf8') || 0);
globalThis.Date = class extends Real {
  constructor(...args) { super(...(args.length === 0 ? [shifted()] : args)); }
  static now() { return shifted(); }
};
`,
  );
  await one.end('SIGKILL');
  one.start([], { NODE_OPTIONS: `--require=${shim}` });
  await made.ready(one);
  const report = await during(made, async () => {
    for (const hours of [25, -25, 0]) {
      set(hours);
      await made.until('shifted clock in the status', async () => {
        const at = Date.parse((await one.status())?.at ?? '');
        return Math.abs(at - Date.now() - hours * 3_600_000) < 600_000 ? true : null;
      });
      await sleep(1500);
      // It still follows what happens.
      const peer = '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"host-gw"}';
      made.put('subnets/10.5.9.0-24', peer);
      await made.until('new peer seen', async () => ((await one.status())?.peers.length === 2 ? true : null));
      made.remove('subnets/10.5.9.0-24');
      await made.until('peer gone', async () => ((await one.status())?.peers.length === 1 ? true : null));
    }
  });
  expect(report.losses).toEqual([]);
  expect((await made.ready(one)).subnet).toBe(one.subnet);
  expect(made.read('subnets/10.5.1.0-24')).toContain(`"PublicIP":"${one.address}"`);
  expect(pings(two, one)).toBe(true);
});
