import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { reasonOf } from './reason.ts';

/* Keeps the agent small: it runs for months on hosts whose memory is for containers, and does little but wait. */

/** After the start, whose code and garbage nobody needs later; and now and then, as a burst of leases is over. */
const firstTidy = 5_000;
const tidyPause = 3_600_000;

/** V8's gc(), which only a context has that is made after this flag. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return typeof collect === 'function' ? () => collect() : () => {};
}

/** Where this program's machine code is in memory, from /proc/self/maps (proc(5)): nobody ever writes there. */
export function codeRanges(maps: string, program: string): { address: number; length: number }[] {
  return maps.split('\n').flatMap((line) => {
    const [range = '', rights, , , , ...path] = line.split(/\s+/);
    if (rights !== 'r-xp' || path.join(' ') !== program) return [];
    const [from = 0, to = 0] = range.split('-').map((each) => Number.parseInt(each, 16));
    return [{ address: from, length: to - from }];
  });
}

/** Collects garbage, then gives free memory back, and lets go of code: what is used again is in the page cache still. */
async function tidy(): Promise<void> {
  collector()();
  const { loadMemoryCalls } = await import('./kernel/native.ts');
  const calls = await loadMemoryCalls();
  calls.trim();
  for (const { address, length } of codeRanges(readFileSync('/proc/self/maps', 'utf8'), process.execPath))
    calls.forget(address, length);
}

/** To be called before anything else is loaded. `log` is told why when it does not work, once. */
export function staySmall(log: (line: string) => void): void {
  // The space for new objects would grow to 16 MB at the start and stay so; 1 MB is enough for what comes later.
  setFlagsFromString('--semi-space-growth-factor=1');
  const again = (pause: number): void => {
    const timer = setTimeout(() => {
      tidy().then(
        () => again(tidyPause),
        (error: unknown) => log(`no memory was given back: ${reasonOf(error)}`),
      );
    }, pause);
    timer.unref();
  };
  again(firstTidy);
}
