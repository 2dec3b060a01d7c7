import type { LabEvent } from '../../../contract/event.ts';
import { count, harmless, type Line, line, padEnd, span } from './text.ts';
import { doing, type StepView, type View } from './view.ts';

const findStep = (view: View, id: string): StepView | undefined =>
  view.phases.flatMap(({ steps }) => steps).findLast(({ plan }) => plan.id === id);

function stepLine(
  view: View,
  id: string,
  glyph: 'done' | 'failed' | 'cancelled',
  seconds: number,
  said: string,
): Line {
  const step = findStep(view, id);
  const labels = view.phases.flatMap(({ steps }) => steps.map(({ plan }) => plan.host ?? 'lab'));
  const mark = { done: span('✓', 'good'), failed: span('✗', 'bad'), cancelled: span('✗', 'caution') }[glyph];
  return line(
    mark,
    span(` ${seconds.toFixed(2).padStart(6)} s  `, 'dim'),
    padEnd(step?.plan.host ?? 'lab', Math.max(3, ...labels.map(({ length }) => length))),
    `  ${harmless(step?.plan.title ?? id)}`,
    span(said === '' ? '' : `  ${harmless(said)}`, 'dim'),
  );
}

/**
 * What one event adds to an output that only grows: one line for each step that ended, and what went wrong. `view` is
 * what is known with this event.
 */
export function linesOf(event: LabEvent, view: View): Line[] {
  switch (event.type) {
    case 'planned': {
      const steps = event.steps.length === 0 ? '' : `: ${count(event.steps.length, 'step')}`;
      return [line(`${doing[event.work]} lab ${event.lab}${steps}`)];
    }
    case 'step-done': {
      const unchanged = event.outcome === 'unchanged' ? 'nothing to do' : '';
      return [stepLine(view, event.step, 'done', event.seconds, event.detail ?? unchanged)];
    }
    case 'step-failed': {
      const step = findStep(view, event.step);
      return [
        stepLine(view, event.step, 'failed', event.seconds, ''),
        ...event.error.message.split('\n').map((text) => line('           ', span(harmless(text), 'bad'))),
        ...(step?.logs ?? []).map((text) => line(span(`           │ ${harmless(text)}`, 'dim'))),
      ];
    }
    case 'step-cancelled':
      return [stepLine(view, event.step, 'cancelled', event.seconds, 'cancelled')];
    case 'notice':
      return [
        line(
          span(event.level === 'warning' ? '! ' : '· ', event.level === 'warning' ? 'caution' : 'dim'),
          harmless(event.message),
        ),
      ];
    default:
      return [];
  }
}
