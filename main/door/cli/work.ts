import type { ProbeKind } from '../../../contract/probe.ts';
import type { Router } from '../../router.ts';
import { readSource, type UpArguments } from './lab-source.ts';
import type { Show } from './show.ts';
import { openShow } from './show.ts';
import { watchSignals } from './signals.ts';
import { complainOf, type Terminal } from './terminal.ts';
import { line } from './text.ts';

/** Long work, its sink and its signal. */
type Work = (sink: Show['sink'], signal: AbortSignal) => Promise<void>;

const environment = process.env;

/** Shows long work while it runs; resolves to its exit code. */
async function perform(
  terminal: Terminal,
  cancelling: string,
  work: Work,
  onInterrupt: () => void = () => {},
): Promise<number> {
  const show = openShow(terminal);
  const { signal, cancel, stop } = watchSignals({
    first: () => {
      onInterrupt();
      show.remark(cancelling);
    },
    second: () => {
      show.end();
      terminal.say([
        line('left at once; the ledger still holds what is left: `flatland down` takes it back'),
      ]);
      process.exit(130);
    },
  });
  // Whoever read our output is gone: nobody sees the work any more, so it is taken back.
  process.stdout.once('error', cancel);
  let thrown: unknown = null;
  try {
    await work(show.sink, signal);
  } catch (error) {
    thrown = error;
  } finally {
    stop();
  }
  const { finished } = show.end();
  if (finished?.error != null) {
    if (terminal.json) {
      const { errorCatalogue } = await import('../../../contract/error.ts');
      return errorCatalogue[finished.error.code].exit;
    }
    return terminal.complain(finished.error);
  }
  return thrown === null ? 0 : complainOf(terminal, thrown, environment);
}

export async function up(
  router: Router,
  terminal: Terminal,
  asked: UpArguments,
  usualFile: string,
): Promise<number> {
  const source = await readSource(asked, usualFile);
  return perform(terminal, 'cancelling, taking back what was started…', (sink, signal) =>
    router.up(source, sink, signal),
  );
}

export async function dryRun(
  router: Router,
  terminal: Terminal,
  asked: UpArguments,
  usualFile: string,
): Promise<number> {
  const plan = await router.plan(await readSource(asked, usualFile));
  if (terminal.json) terminal.printJson(plan);
  else {
    const { drawPlan } = await import('./plan-report.ts');
    terminal.print(drawPlan(plan, terminal.columns()));
  }
  return 0;
}

export function probe(
  router: Router,
  terminal: Terminal,
  asked: {
    readonly lab: string | undefined;
    readonly from: string | undefined;
    readonly to: string | undefined;
    readonly kinds: readonly ProbeKind[] | undefined;
  },
): Promise<number> {
  const { lab, from = null, to = null, kinds } = asked;
  const selection = { from, to, kinds: kinds === undefined ? null : [...kinds] };
  return perform(terminal, 'cancelling…', (sink, signal) => router.probe({ lab, selection }, sink, signal));
}

export async function down(
  router: Router,
  terminal: Terminal,
  asked: { readonly lab: string | undefined; readonly all: boolean },
): Promise<number> {
  const labs = asked.all ? (await router.list()).map(({ name }) => name) : [asked.lab];
  if (labs.length === 0 && !terminal.json) terminal.say([line('There is no lab.')]);
  let worst = 0;
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  for (const lab of labs) {
    const remark = 'this removal is finished, not cancelled; once more leaves at once';
    const code = await perform(
      terminal,
      remark,
      (sink, signal) => router.down({ lab }, sink, signal),
      interrupt,
    );
    worst = Math.max(worst, code);
    if (interrupted) break;
  }
  return interrupted && labs.length > 1 ? Math.max(worst, 130) : worst;
}
