import { afterAll, describe, expect, it } from 'vitest';
import { eventsOf, ownState, run } from '../support/flatland.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';

const state = ownState();
afterAll(state.remove);

const overhead = { vxlan: 50, udp: 28, 'host-gw': 0 };

describe.each(['vxlan', 'udp', 'host-gw'] as const)('backend %s', (backend) => {
  it.each([1, 3, 5])('%i hosts: up is green, probe is green, down leaves nothing', async (hosts) => {
    const before = takeSnapshot(state.directory);
    const up = await run(state.directory, ['up', '--hosts', `${hosts}`, '--backend', backend, '--json']);
    try {
      expect(up.stderr).toBe('');
      expect(up.code, up.stdout.slice(-2000)).toBe(0);
      const probe = await run(state.directory, ['probe', '--json']);
      expect(probe.code, probe.stdout.slice(-2000)).toBe(0);
      const results = eventsOf(probe).flatMap((event) => (event.type === 'probed' ? [event.result] : []));
      const pods = hosts * 2;
      // Every ordered pair of pods, and every host to every pod, by each of the four kinds.
      expect(results).toHaveLength((pods * (pods - 1) + hosts * pods) * 4);
      expect(results.filter(({ ok }) => !ok)).toEqual([]);
      const mtu = 1500 - overhead[backend];
      for (const result of results) if (result.kind === 'mtu') expect(result.seen).toContain(String(mtu));
      for (const { kind, from, seen } of results)
        if (kind === 'source' && from.kind === 'pod') expect(seen).toContain(from.address);
    } finally {
      const down = await run(state.directory, ['down', '--json']);
      expect(down.code, down.stdout).toBe(0);
    }
    expect(changesSince(before, state.directory)).toEqual([]);
  });
});
