import type { Router } from '../../router.ts';
import { openFrame } from './frame.ts';
import { paint } from './look.ts';
import { watchSignals } from './signals.ts';
import { drawStatus, remember, type SeenLab } from './status-report.ts';
import type { Terminal } from './terminal.ts';
import { count, line, span } from './text.ts';

const refreshMilliseconds = 2000;

export async function list(router: Router, terminal: Terminal): Promise<number> {
  const labs = await router.list();
  if (terminal.json) terminal.printJson(labs);
  else {
    const { drawLabs } = await import('./labs-report.ts');
    terminal.print(drawLabs(labs, terminal.columns(), Date.now()));
  }
  return 0;
}

/** Shows the status again and again; ages go on while a reading is under way. */
async function watch(
  router: Router,
  terminal: Terminal,
  lab: string | undefined,
  first: SeenLab,
): Promise<number> {
  let seen = first;
  const stopping = watchSignals({ first: () => {}, second: () => process.exit(130) });
  process.stdout.once('error', stopping.cancel);
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, refreshMilliseconds);
      stopping.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  const frame = terminal.out.live && !terminal.json ? openFrame(terminal) : null;
  const draw = () => {
    const lines = drawStatus(seen, terminal.columns(), Date.now());
    const room = terminal.rows() - 1;
    const note = line(span(`  … ${count(lines.length - room + 1, 'line')} more in a taller terminal`, 'dim'));
    const shown = lines.length > room ? [...lines.slice(0, room - 1), note] : lines;
    frame?.draw(paint(shown, terminal.out).split('\n'));
  };
  const restore = () => frame?.end();
  process.on('exit', restore);
  const timer = frame === null ? null : setInterval(draw, 1000);
  try {
    while (!stopping.signal.aborted) {
      if (terminal.json) terminal.printJson(seen.status);
      else if (frame === null) terminal.print(drawStatus(seen, terminal.columns(), Date.now()));
      else draw();
      await pause();
      if (!stopping.signal.aborted) seen = remember(seen, await router.status({ lab }));
    }
    return 0;
  } finally {
    if (timer !== null) clearInterval(timer);
    restore();
    process.off('exit', restore);
    stopping.stop();
  }
}

export async function status(
  router: Router,
  terminal: Terminal,
  asked: { readonly lab: string | undefined; readonly watch: boolean },
): Promise<number> {
  const seen = remember(null, await router.status({ lab: asked.lab }));
  // The lab that is watched stays the same one, also when another is made meanwhile.
  if (asked.watch) return watch(router, terminal, seen.status.lab.name, seen);
  if (terminal.json) terminal.printJson(seen.status);
  else terminal.print(drawStatus(seen, terminal.columns(), Date.now()));
  return 0;
}
