import { expect, test } from 'vitest';
import { backends } from './damage.ts';
import { overlaysFor } from './overlays.ts';
import { soak } from './soak.ts';

/*
 * `SOAK_SECONDS=600 SOAK_SEED=7 npx vitest run --project faults test/agent/soak.system.test.ts` is the long one, which
 * its seconds are divided among the backends for.
 */

const seconds = Number(process.env['SOAK_SECONDS'] ?? 24) / backends.length;
const seed = Number(process.env['SOAK_SEED'] ?? 1);

const overlays = overlaysFor('test');

test.each(backends)(
  '%s: random faults under traffic end with every pair reachable, no more memory and no more descriptors',
  async (type) => {
    const overlay = await overlays.make(3, { Network: '10.5.0.0/16', Backend: { Type: type } });
    const { faults, traffic, unreachable, before, after } = await soak(overlay, type, seconds, seed);
    console.log(
      `${type}: ${faults.length} faults, ${traffic.sent} packets, ${traffic.lost} lost, longest gap ${traffic.longestGap} ms; ` +
        `memory ${Math.round(before.memory / 2 ** 20)} to ${Math.round(after.memory / 2 ** 20)} MiB, descriptors ${before.descriptors} to ${after.descriptors}`,
    );
    expect(unreachable).toEqual([]);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
    // The heap breathes; a leak of the faults' kind grows with their number.
    expect(after.memory).toBeLessThan(before.memory + 40 * 2 ** 20);
  },
  (seconds + 180) * 1000,
);
