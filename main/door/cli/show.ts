import type { LabEvent } from '../../../contract/event.ts';
import { openFrame } from './frame.ts';
import { linesOf } from './lines.ts';
import { paint } from './look.ts';
import { drawProof } from './proof-report.ts';
import type { Terminal } from './terminal.ts';
import { duration, type Line, line, span } from './text.ts';
import { drawEnding, drawTree } from './tree.ts';
import { advance, emptyView, resultsOf, type View } from './view.ts';

/** Something that shows the events of one work as they come. */
export interface Show {
  sink(event: LabEvent): void;
  /** Says something that is no event. */
  remark(message: string): void;
  /** Shows what is left to show, and returns all that is known. */
  end(): View;
}

const framesPerSecond = 12;
/** Lines that a tree keeps of work that went well. */
const settledRows = 14;

/** Events as lines of JSON, for programs. */
function showJson(terminal: Terminal): Show {
  let view = emptyView;
  return {
    sink(event) {
      view = advance(view, event);
      terminal.printJson(event);
    },
    remark: (message) => terminal.say([line(message)]),
    end: () => view,
  };
}

/** What went wrong in the words of the catalogue comes last, so the tree leaves it out. */
const withoutFinalError = (view: View): View => {
  const final = view.finished?.error?.message;
  return {
    ...view,
    phases: view.phases.map((phase) => ({
      ...phase,
      steps: phase.steps.map((step) =>
        step.error !== null && step.error.message === final
          ? { ...step, error: { ...step.error, message: '' } }
          : step,
      ),
    })),
  };
};

function ending(view: View, terminal: Terminal): Line[] {
  const proof = view.finished?.proof ?? null;
  if (proof === null) return [];
  const results = resultsOf(view);
  const lines = [line(), ...drawProof(proof, results, terminal.columns())];
  if (view.finished?.work !== 'up') return lines;
  const green = proof.pairs === proof.greenPairs;
  const example = results.find(({ from, path }) => from.kind === 'pod' && path === 'cross-host');
  const commands = [
    ...(example === undefined || !green
      ? []
      : [`flatland exec ${example.from.name} -- ping -c 3 ${example.to.address}`]),
    green ? 'flatland status' : 'flatland probe',
    'flatland down',
  ];
  return [
    ...lines,
    line(),
    ...commands.map((command, index) =>
      line(span(index === 0 ? '  next  ' : '        ', 'dim'), span(command, 'accent')),
    ),
  ];
}

/** One line for each step that ended, for logs and pipes. */
function showLines(terminal: Terminal): Show {
  let view = emptyView;
  return {
    sink(event) {
      view = advance(view, event);
      const lines = linesOf(event, view);
      if (lines.length > 0) terminal.print(lines);
    },
    remark: (message) => terminal.say([line(message)]),
    end() {
      if (view.finished !== null) {
        const time = ` (${duration(view.finished.seconds)})`;
        terminal.print([[...drawEnding(view), span(time, 'dim')], ...ending(view, terminal)]);
      }
      return view;
    },
  };
}

/** A tree that is redrawn in place. */
function showTree(terminal: Terminal): Show {
  const frame = openFrame(terminal);
  let view = emptyView;
  const draw = (rows: number, shown: View) =>
    frame.draw(
      paint(drawTree(shown, { columns: terminal.columns(), rows }, Date.now()), terminal.out).split('\n'),
    );
  const redraw = () => draw(terminal.rows() - 1, view);
  const restore = () => frame.end();
  const timer = setInterval(redraw, 1000 / framesPerSecond);
  process.stdout.on('resize', redraw);
  process.on('exit', restore);
  return {
    sink(event) {
      view = advance(view, event);
    },
    remark(message) {
      view = advance(view, { type: 'notice', at: new Date().toISOString(), lab: '', level: 'info', message });
      redraw();
    },
    end() {
      clearInterval(timer);
      process.stdout.off('resize', redraw);
      process.off('exit', restore);
      if (view.finished !== null || view.phases.length > 0) {
        // What was redrawn within the screen stays for good now, so it may be as long as it needs.
        redraw();
        draw(view.finished?.outcome === 'done' ? settledRows : 200, withoutFinalError(view));
      } else frame.draw([]);
      frame.end();
      const lines = ending(view, terminal);
      if (lines.length > 0) terminal.print(lines);
      return view;
    },
  };
}

/** The way of showing that fits where the output goes. */
export function openShow(terminal: Terminal): Show {
  if (terminal.json) return showJson(terminal);
  return terminal.out.live ? showTree(terminal) : showLines(terminal);
}
