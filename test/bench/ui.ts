import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { type Door, startDoor } from '../desktop/door.ts';

const sizes = [3, 50, 200];
const podsPerHost = 10;
const limits = { paint: 1500, interaction: 100, longTask: 200 };
const megabyte = 1024 * 1024;

/** Runs in the page before its own code: notes every long task and, of each interaction, the time to the next paint. */
const observers = `
window.longTasks = [];
window.interactions = [];
// They are kept, as what nobody holds may be collected with the garbage.
window.observers = [new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
}), new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.interactionId) window.interactions.push([entry.interactionId, entry.duration]);
})];
window.observers[0].observe({ type: 'longtask', buffered: true });
window.observers[1].observe({ type: 'event', durationThreshold: 16, buffered: true });
`;

interface Figures {
  readonly hosts: number;
  readonly paint: number;
  readonly interaction: number;
  readonly interactions: number;
  readonly longTask: number;
  readonly heapFirst: number;
  readonly heapLast: number;
}

/** The web door over a made-up lab, as its own process. */
const serve = (hosts: number): Promise<Door> =>
  startDoor(process.execPath, [
    fileURLToPath(new URL('./synthetic-ui.js', import.meta.url)),
    ...['--hosts', String(hosts), '--pods', String(podsPerHost), '--port', '0'],
  ]);

/** The highest of the lowest 95 %. */
const p95 = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.ceil(values.length * 0.95) - 1] ?? 0;

/** What a person does with a lab: every view, the palette, the matrix by keys, the topology by mouse. */
async function walkThrough(page: Page): Promise<number> {
  let steps = 0;
  const step = async (work: () => Promise<unknown>) => {
    await work();
    // As quick as a hand that knows where it goes.
    await page.waitForTimeout(300);
    steps += 1;
  };
  for (let round = 0; round < 5; round += 1) {
    for (const view of ['Hosts', 'Probes', 'Containers', 'Timeline', 'Topology'])
      await step(() =>
        page.getByRole('navigation', { name: 'Views of the lab' }).getByRole('link', { name: view }).click(),
      );
    await step(() => page.keyboard.press('Control+k'));
    for (const key of 'host') await step(() => page.keyboard.press(key));
    await step(() => page.keyboard.press('Escape'));
    await step(() => page.getByRole('link', { name: 'Probes' }).click());
    await step(() => page.locator('table [tabindex="0"]').first().click());
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'])
      await step(() => page.keyboard.press(key));
    await step(() => page.getByRole('link', { name: 'Topology' }).click());
    await step(() => page.mouse.wheel(0, 120));
    await step(() => page.mouse.wheel(0, -120));
  }
  return steps;
}

async function measure(hosts: number, seconds: number): Promise<Figures> {
  const door = await serve(hosts);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' });
  try {
    const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
    const page = await context.newPage();
    await page.addInitScript({ content: observers });
    // The first visit trades the token for a cookie and finds the lab's name; the second is what is measured.
    await page.goto(door.link);
    await page
      .getByRole('link', { name: /synthetic/ })
      .first()
      .click();
    const address = page.url();
    const devtools = await context.newCDPSession(page);
    await page.goto('about:blank');
    const began = performance.now();
    await page.goto(address, { waitUntil: 'commit' });
    // Useful is when the answer stands there and the lab's views can be chosen.
    // Found by selector: to ask for roles and names would keep the page busy itself.
    await page.locator('main h1', { hasText: /pairs|lost|measured/ }).waitFor();
    await page.locator('.react-flow__node').first().waitFor();
    const paint = performance.now() - began;
    await page.waitForTimeout(2000);

    await page.evaluate('window.longTasks.length = 0; window.interactions.length = 0');
    const interactions = await walkThrough(page);
    const pairs = (await page.evaluate('window.interactions')) as [number, number][];
    // Of one interaction (a click is several events) the longest event counts; what was under 16 ms is not told.
    const longest = new Map<number, number>();
    for (const [id, duration] of pairs) longest.set(id, Math.max(duration, longest.get(id) ?? 0));
    const times = [...longest.values(), ...Array(Math.max(0, interactions - longest.size)).fill(16)];

    const heap = async () => {
      await devtools.send('HeapProfiler.collectGarbage');
      return (await devtools.send('Runtime.getHeapUsage')).usedSize / megabyte;
    };
    await page.evaluate('window.longTasks.length = 0');
    const heapFirst = await heap();
    await page.waitForTimeout(seconds * 1000);
    const heapLast = await heap();
    const longTasks = (await page.evaluate('window.longTasks')) as number[];
    return {
      hosts,
      paint,
      interaction: p95(times),
      interactions,
      longTask: Math.max(0, ...longTasks),
      heapFirst,
      heapLast,
    };
  } finally {
    await browser.close();
    await door.end('SIGTERM');
  }
}

const mark = (value: number, limit: number) => (value <= limit ? 'ok' : `over ${limit}`);

/**
 * The screens in Chromium against made-up labs that tell of every host once a second, fed through the real router and the web
 * door. `--seconds N` is how long each size streams while long tasks and the heap are watched (600 by default).
 */
export async function benchUi(args: readonly string[]): Promise<void> {
  const seconds = Number(args[args.indexOf('--seconds') + 1] ?? Number.NaN);
  const streaming = args.includes('--seconds') && seconds > 0 ? seconds : 600;
  console.log(`${podsPerHost} pods a host, one event a host a second, ${streaming} s of streaming each\n`);
  console.log(
    'hosts  first useful paint  interaction p95     longest task        heap after GC, first to last',
  );
  for (const hosts of sizes) {
    const figures = await measure(hosts, streaming);
    const { paint, interaction, longTask, heapFirst, heapLast } = figures;
    console.log(
      [
        String(hosts).padEnd(7),
        `${paint.toFixed(0)} ms ${mark(paint, limits.paint)}`.padEnd(20),
        `${interaction.toFixed(0)} ms ${mark(interaction, limits.interaction)}`.padEnd(20),
        `${longTask.toFixed(0)} ms ${mark(longTask, limits.longTask)}`.padEnd(20),
        `${heapFirst.toFixed(1)} to ${heapLast.toFixed(1)} MiB`,
      ].join(''),
    );
  }
}
