import {
  clipLine,
  count,
  duration,
  harmless,
  type Line,
  line,
  lineWidth,
  type Span,
  span,
  spinner,
  spread,
} from './text.ts';
import { doing, type Phase, type StepView, type View } from './view.ts';

/** The room for drawing. `rows` bounds what is redrawn in place; what stays for good may be longer. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

type State = StepView['state'];

/** A row of the tree: a host with its steps, or the lab with those that belong to no host. */
interface Row {
  readonly label: string;
  readonly steps: readonly StepView[];
  readonly state: State;
}

/** A row between two of its steps is running as long as the work goes on. */
function stateOf(steps: readonly StepView[], ended: boolean): State {
  const has = (state: State) => steps.some((step) => step.state === state);
  if (has('failed')) return 'failed';
  if (has('running')) return ended ? 'cancelled' : 'running';
  if (has('cancelled')) return 'cancelled';
  if (!has('waiting')) return 'done';
  return has('done') && !ended ? 'running' : 'waiting';
}

/** The lab's own steps first, then one row a host in the order of the plan. */
function rowsOf({ steps }: Phase, ended: boolean): Row[] {
  const labels = [...new Set(steps.map(({ plan }) => plan.host))].sort(
    (one, other) => Number(one !== null) - Number(other !== null),
  );
  return labels.map((host) => {
    const own = steps.filter(({ plan }) => plan.host === host);
    return { label: host ?? 'lab', steps: own, state: stateOf(own, ended) };
  });
}

function glyph(state: State, now: number): Span {
  switch (state) {
    case 'done':
      return span('✓', 'good');
    case 'failed':
      return span('✗', 'bad');
    case 'running':
      return span(spinner(now), 'accent');
    case 'cancelled':
      return span('✗', 'caution');
    case 'waiting':
      return span('·', 'dim');
  }
}

/** Steps by the first word of their title, so that six pods are one word. */
function words(steps: readonly StepView[]): { text: string; seconds: number }[] {
  const groups = new Map<string, StepView[]>();
  for (const step of steps) {
    const [word = ''] = step.plan.title.split(' ');
    groups.set(word, [...(groups.get(word) ?? []), step]);
  }
  return [...groups].map(([word, group]) => ({
    text: group.length === 1 ? harmless(word) : count(group.length, harmless(word)),
    seconds: Math.max(...group.map(({ seconds }) => seconds ?? 0)),
  }));
}

const joined = (parts: readonly Line[]): Line =>
  parts
    .filter((part) => part.length > 0)
    .flatMap((part, index) => (index === 0 ? part : [span('  '), ...part]));

function runningWords(step: StepView, now: number): Line {
  const seconds = step.startedAt === null ? 0 : Math.max(0, now - step.startedAt) / 1000;
  const time = seconds >= 0.5 ? ` ${duration(seconds)}` : '';
  const message = step.message === null ? '' : ` ${harmless(step.message)}`;
  return line(
    glyph('running', now),
    span(` ${harmless(step.plan.title)}`, 'strong'),
    span(time),
    span(message, 'dim'),
  );
}

/** What a row says of its steps: all in words where there is room, else the past and the future as numbers. */
function stepWords(row: Row, width: number, now: number): Line {
  const of = (state: State) => row.steps.filter((step) => step.state === state);
  const done = words(of('done'));
  const waiting = words(of('waiting'));
  const middle = [
    ...of('failed').map((step) => line(glyph('failed', now), span(` ${harmless(step.plan.title)}`, 'bad'))),
    ...of('cancelled').map((step) => line(span(`cancelled ${harmless(step.plan.title)}`, 'caution'))),
    ...of('running').map((step) => runningWords(step, now)),
  ];
  const past = joined(
    done.map(({ text, seconds }) => line(span(text, 'good'), span(` ${seconds.toFixed(1)}`, 'dim'))),
  );
  const longest = done.reduce((one, other) => (other.seconds > one.seconds ? other : one), {
    text: '',
    seconds: 0,
  });
  const pastShort: Line =
    row.state === 'done'
      ? line(
          span(count(of('done').length, 'step'), 'good'),
          span(`, longest ${longest.text} ${duration(longest.seconds)}`, 'dim'),
        )
      : of('done').length === 0
        ? []
        : line(span(`✓ ${of('done').length} done`, 'good'));
  const future = line(span(waiting.map(({ text }) => `· ${text}`).join(' '), 'dim'));
  const futureShort = of('waiting').length === 0 ? [] : line(span(`· ${of('waiting').length} more`, 'dim'));
  const variants = [
    joined([past, ...middle, future]),
    joined([pastShort, ...middle, future]),
    joined([pastShort, ...middle, futureShort]),
  ];
  return variants.find((variant) => lineWidth(variant) <= width) ?? clipLine(variants[2] ?? [], width);
}

/** The time from a row's first step to its last one, or until now. */
function elapsed({ steps, state }: Row, now: number): string {
  const starts = steps.flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt]));
  if (starts.length === 0) return '';
  const ends = steps.flatMap(({ startedAt, seconds }) =>
    startedAt === null || seconds === null ? [] : [startedAt + seconds * 1000],
  );
  const end = state === 'running' ? now : Math.max(...starts, ...ends);
  return duration(Math.max(0, end - Math.min(...starts)) / 1000);
}

function drawRow(row: Row, labelWidth: number, width: number, now: number): Line {
  const head = line('  ', glyph(row.state, now), ` ${row.label.padEnd(labelWidth)}  `);
  const time = line(span(elapsed(row, now).padStart(7), 'dim'));
  return spread([...head, ...stepWords(row, width - lineWidth(head) - 9, now)], time, width);
}

/** Why steps of a row failed: the message, and the last lines that their work wrote. */
function drawFailures({ steps }: Row, indent: number, logLines: number): Line[] {
  const margin = ' '.repeat(indent);
  return steps.flatMap(({ error, logs }) => {
    if (error === null) return [];
    const message = error.message.split('\n').filter((text) => text !== '');
    return [
      ...message.map((text) => line(margin, span(harmless(text), 'bad'))),
      ...logs.slice(-logLines).map((text) => line(margin, span(`│ ${harmless(text)}`, 'dim'))),
    ];
  });
}

const urgency: readonly State[] = ['failed', 'running', 'cancelled', 'waiting', 'done'];
const names: Record<State, string> = {
  done: 'ready',
  waiting: 'waiting',
  running: 'running',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** As many rows as fit: those where something happens stay, the others become one line of numbers. */
function drawRows(rows: readonly Row[], room: Room, logLines: number, now: number): Line[] {
  const labelWidth = Math.min(20, Math.max(...rows.map(({ label }) => label.length)));
  const details = new Map(rows.map((row) => [row, drawFailures(row, labelWidth + 6, logLines)]));
  const draw = (row: Row) => [drawRow(row, labelWidth, room.columns, now), ...(details.get(row) ?? [])];
  const detailLines = [...details.values()].reduce((sum, lines) => sum + lines.length, 0);
  const free = room.rows - detailLines;
  if (rows.length <= free) return rows.flatMap(draw);
  const kept = new Set(
    [...rows]
      .sort((one, other) => urgency.indexOf(one.state) - urgency.indexOf(other.state))
      .slice(0, Math.max(1, free - 1)),
  );
  const hidden = rows.filter((row) => !kept.has(row));
  const numbers = urgency.flatMap((state) => {
    const number = hidden.filter((row) => row.state === state).length;
    return number === 0 ? [] : [`${number} ${names[state]}`];
  });
  const shown = rows.filter((row) => kept.has(row)).flatMap(draw);
  return [...shown, line(span(`  … ${numbers.join(', ')}`, 'dim'))];
}

/** How the work ended in a line; empty while it goes on. */
export function drawEnding({ finished, lab }: View): Line {
  if (finished === null) return [];
  const name = span(lab ?? '', 'strong');
  const bad = (text: string) => line(span('✗', 'bad'), ' lab ', name, ` ${text}`);
  const good = (text: string) => line(span('✓', 'good'), ' lab ', name, ` ${text}`);
  switch (finished.work) {
    case 'up':
      if (finished.outcome === 'done') return good('is up');
      if (finished.error?.code === 'proof-red') return bad('is up, but not every pair is reachable');
      return bad(
        finished.outcome === 'cancelled' ? 'was not brought up: cancelled' : 'could not be brought up',
      );
    case 'down':
      if (finished.outcome === 'done') return good('is gone');
      return bad(finished.outcome === 'cancelled' ? 'is not quite gone: cancelled' : 'is not quite gone');
    case 'probe':
      if (finished.outcome === 'done') return good('is reachable');
      if (finished.error?.code === 'proof-red') return bad('is not reachable everywhere');
      return bad(finished.outcome === 'cancelled' ? 'was not probed: cancelled' : 'could not be probed');
    case 'image':
      return finished.outcome === 'done' ? good('has the image') : bad('does not have the image everywhere');
    case 'host':
      return finished.outcome === 'done' ? good('has its host stopped') : bad('could not stop its host');
  }
}

/** What a lab of these steps consists of. */
function size(phase: Phase): string {
  const hosts = new Set(phase.steps.flatMap(({ plan }) => (plan.host === null ? [] : [plan.host]))).size;
  const pods = phase.steps.filter(({ plan }) => plan.id.startsWith('pod:')).length;
  return [hosts > 0 ? count(hosts, 'host') : '', pods > 0 ? count(pods, 'pod') : '']
    .filter(Boolean)
    .join(', ');
}

/** A removal that made way for what was built after it needs no room any more. */
function isOver(phase: Phase, view: View): boolean {
  if (phase.work !== 'down' || view.phases[0]?.work !== 'up') return false;
  const later = (step: StepView) => step.startedAt !== null && step.startedAt > phase.startedAt;
  return (
    view.phases[0].steps.some(later) &&
    !phase.steps.some(({ state }) => state === 'running' || state === 'failed')
  );
}

function drawHeader(view: View, now: number): Line {
  const [first] = view.phases;
  if (view.finished !== null) return drawEnding(view);
  if (first === undefined) return line(glyph('running', now), ' preparing');
  const active = view.phases.findLast(({ steps }) => steps.some(({ state }) => state === 'running')) ?? first;
  const verb = active.work === 'down' && first.work === 'up' ? 'taking back' : doing[first.work];
  const { green, red } = view.probes;
  const parts = size(first);
  return line(
    glyph('running', now),
    ` ${verb} `,
    span(view.lab ?? '', 'strong'),
    span(parts === '' ? '' : ` · ${parts}`, 'dim'),
    span(green + red === 0 ? '' : ` · ${count(green + red, 'probe')}`, 'dim'),
    span(red === 0 ? '' : `, ${red} red`, 'bad'),
  );
}

function drawNotices(view: View): Line[] {
  return view.notices.map(({ level, message }) =>
    line(
      span(level === 'warning' ? '! ' : '· ', level === 'warning' ? 'caution' : 'dim'),
      span(harmless(message), level === 'warning' ? 'caution' : 'dim'),
    ),
  );
}

/** The eye does not find the times at the right edge of a very wide terminal. */
const widest = 100;

/**
 * Draws what is known, in at most `rows` lines of at most `columns` columns: one line a host with its steps, however many
 * there are. Pure; `now` is the time in milliseconds.
 */
export function drawTree(view: View, { columns: all, rows }: Room, now: number): Line[] {
  const room = { columns: Math.min(all, widest), rows };
  const began = view.phases[0]?.startedAt;
  const seconds = view.finished?.seconds ?? (began === undefined ? 0 : Math.max(0, now - began) / 1000);
  const head = spread(drawHeader(view, now), line(span(duration(seconds).padStart(7), 'dim')), room.columns);
  const phases = view.phases.filter((phase) => phase.steps.length > 0 && !isOver(phase, view));
  const ended = view.finished !== null;
  const said = drawNotices(view);
  let left = room.rows - 1 - said.length - Math.max(0, phases.length - 1);
  // The latest phase is the one that is watched: it gets its room first.
  const bodies = phases.toReversed().map((phase, index) => {
    const share = Math.max(2, Math.floor(left / (phases.length - index)));
    const rows = rowsOf(phase, ended);
    const lines = drawRows(rows, { columns: room.columns, rows: share }, ended ? 12 : 3, now);
    left -= lines.length;
    const title =
      phase === phases[0]
        ? []
        : [line(span(`  ${phase.work === 'down' ? 'taking back' : doing[phase.work]}`, 'dim'))];
    return [...title, ...lines];
  });
  const lines = [head, ...bodies.toReversed().flat(), ...said];
  return lines.map((each) => clipLine(each, room.columns)).slice(0, room.rows);
}
