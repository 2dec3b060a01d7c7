import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleForTest } from '../../agent/test-bundle.ts';
import { parseIpv4 } from '../../contract/ipv4.ts';
import { root } from '../support/flatland.ts';
import { buildPrograms, makeOverlay, type OverlayHost, type Programs, pings } from '../support/overlay.ts';

/*
 * Whatever is sent to the port of a real agent or into its device, it stays up, counts what it drops and carries what is
 * good. The seed is always the same unless `FUZZ_SEED` names another.
 */

const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const inputs = 100_000;

let programs: Programs;
let directory: string;
beforeAll(async () => {
  programs = await buildPrograms();
  directory = mkdtempSync(join(tmpdir(), 'uc-sender-'));
  await bundleForTest({ sender: join(root, 'test/fuzz/sender.ts') }, directory);
});
afterAll(() => {
  programs.remove();
  rmSync(directory, { recursive: true, force: true });
});

const stranger = '192.168.50.77';
const number = (address: string): number => parseIpv4(address) ?? 0;

/** Sends from within a host; resolves to how many the kernel took. */
async function send(
  host: OverlayHost,
  from: string,
  to: string,
  device: number | null,
  count: number,
): Promise<number> {
  const wish = { count, seed, from: number(from), to: number(to), device };
  const argv = [
    `--net=/run/netns/${host.name}`,
    process.execPath,
    join(directory, 'sender.cjs'),
    JSON.stringify(wish),
  ];
  const child = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [taken, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(code).toBe(0);
  return Number(taken);
}

/** Resident memory in MiB and open descriptors. */
function footprint(host: OverlayHost): { readonly memory: number; readonly descriptors: number } {
  const status = readFileSync(`/proc/${host.pid()}/status`, 'utf8');
  return {
    memory: Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024),
    descriptors: readdirSync(`/proc/${host.pid()}/fd`).length,
  };
}

const sum = (drops: Readonly<Record<string, number>>): number =>
  Object.values(drops).reduce((all, each) => all + each, 0);

test('a hundred thousand datagrams from a peer and from a stranger, and packets into the device, cost an agent nothing', async () => {
  const overlay = await makeOverlay(programs, 2, { Network: '10.5.0.0/16', Backend: { Type: 'udp' } });
  try {
    const [one, two] = overlay.hosts;
    if (one === undefined || two === undefined) throw new Error('an overlay of two has two hosts');
    one.start();
    two.start();
    await overlay.ready(one);
    await overlay.ready(two);
    two.sh(`ip addr add ${stranger}/24 dev eth0`);
    const device = Number(/^(\d+):/.exec(one.sh('ip -o link show flannel0'))?.[1]);
    const sendAll = async (count: number) => [
      await send(two, two.address, one.address, null, count),
      await send(two, stranger, one.address, null, count),
      await send(one, one.address, one.address, device, count),
    ];
    const traffic = async () => {
      const status = await one.status();
      if (status?.traffic == null) throw new Error('an agent of the udp backend counts');
      return status.traffic;
    };
    // What comes with the first of them is no growth.
    await sendAll(inputs / 10);
    const before = { ...footprint(one), pid: one.pid(), traffic: await traffic() };
    const taken = await sendAll(inputs);
    const after = { ...footprint(one), pid: one.pid(), traffic: await traffic() };
    const dropped = {
      in: sum(after.traffic.in.drops) - sum(before.traffic.in.drops),
      out: sum(after.traffic.out.drops) - sum(before.traffic.out.drops),
    };
    console.log(
      `seed ${seed}: the kernel took ${taken.join(', ')}; carried in ${after.traffic.in.packets - before.traffic.in.packets}, ` +
        `out ${after.traffic.out.packets - before.traffic.out.packets}, dropped in ${dropped.in}, out ${dropped.out}; ` +
        `RSS ${before.memory} to ${after.memory} MiB, descriptors ${before.descriptors} to ${after.descriptors}`,
    );
    for (const count of taken) expect(count).toBeGreaterThan(inputs / 2);
    for (const reason of ['too-short', 'not-ipv4', 'bad-length', 'ttl', 'spoofed', 'unknown-peer'])
      expect(after.traffic.in.drops[reason], reason).toBeGreaterThan(0);
    expect(dropped.in).toBeGreaterThan(0);
    expect(dropped.out).toBeGreaterThan(0);
    expect(after.traffic.out.packets).toBeGreaterThan(before.traffic.out.packets);
    expect(after.traffic.in.packets).toBeGreaterThan(before.traffic.in.packets);
    // Neither the process nor one of its threads had to be made anew.
    expect(after.pid).toBe(before.pid);
    expect(one.output()).not.toContain('put right');
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2);
    expect(after.memory).toBeLessThan(before.memory + 40);
    await overlay.until('ping', () =>
      pings(one, two) && pings(two, one) && pings(one, two, 1400) ? true : null,
    );
    await overlay.ready(one);
  } finally {
    await overlay.close();
  }
});
