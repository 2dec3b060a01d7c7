import { readdirSync, readFileSync } from 'node:fs';

/** The first process of a host of a test's own lab: the host ends with it. */
export function firstProcessOf(lab: string, host: string): number {
  const found = readdirSync('/proc').find((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      return words[0] === 'systemd-nspawn' && words.includes(`--machine=flatland-${lab}-${host}`);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`host ${host} does not run`);
  return Number.parseInt(readFileSync(`/proc/${found}/task/${found}/children`, 'utf8'), 10);
}
