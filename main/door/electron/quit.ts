import type { Task } from '../../../contract/task.ts';
import type { Overview, WatchEvent } from '../../../contract/watch.ts';
import { failure } from '../../failure.ts';
import type { Screens } from '../../rpc/screens.ts';
import type { DialogPart } from './parts.ts';

type Watched = Pick<Screens, 'watch' | 'begin' | 'cancelTask'>;

const running = (task: Task) => task.state === 'running' || task.state === 'cancelling';

/** The overview as it is now and after each change, until `signal` is aborted. */
async function* overviews(screens: Watched, signal: AbortSignal): AsyncGenerator<Overview> {
  let overview: Overview = { labs: [], tasks: [], terminals: [] };
  for await (const event of screens.watch(null, signal)) {
    overview = follow(overview, event);
    yield overview;
  }
}

function follow(overview: Overview, event: WatchEvent): Overview {
  switch (event.type) {
    case 'snapshot':
      return event.overview;
    case 'labs':
      return { ...overview, labs: event.labs };
    case 'tasks': {
      const changed = new Set(event.tasks.map(({ id }) => id));
      return { ...overview, tasks: [...overview.tasks.filter(({ id }) => !changed.has(id)), ...event.tasks] };
    }
    case 'tasks-removed':
      return { ...overview, tasks: overview.tasks.filter(({ id }) => !event.ids.includes(id)) };
    default:
      return overview;
  }
}

/** Waits until an overview is as wanted. Throws `deadline-passed`, naming what it waited for. */
async function waitFor(
  screens: Watched,
  what: string,
  seconds: number,
  wanted: (overview: Overview) => boolean,
): Promise<Overview> {
  const ended = new AbortController();
  const deadline = setTimeout(() => ended.abort(), seconds * 1000);
  try {
    for await (const overview of overviews(screens, ended.signal)) if (wanted(overview)) return overview;
  } catch (thrown) {
    if (!ended.signal.aborted) throw thrown;
  } finally {
    clearTimeout(deadline);
    ended.abort();
  }
  throw failure('deadline-passed', `${what} did not happen within ${seconds} s.`);
}

/** Cancels what runs, then takes all labs down; resolves to the tasks that failed. */
async function takeDown(screens: Watched, overview: Overview): Promise<Task[]> {
  for (const task of overview.tasks.filter(running)) if (task.cancellable) screens.cancelTask(task.id);
  const idle = await waitFor(
    screens,
    'The end of what was running',
    120,
    ({ tasks }) => !tasks.some(running),
  );
  const begun = await Promise.all(idle.labs.map(({ name }) => screens.begin({ kind: 'down', lab: name })));
  const ids = new Set(begun.map(({ task }) => task));
  const mine = ({ tasks }: Overview) => tasks.filter(({ id }) => ids.has(id));
  const end = await waitFor(screens, 'The end of all labs', 600, (now) => !mine(now).some(running));
  return mine(end).filter(({ state }) => state !== 'done');
}

const listed = (names: readonly string[]) => names.map((name) => `• ${name}`).join('\n');

/**
 * Asks what becomes of labs that are up and of what still runs; asks nothing when there is neither. Resolves to whether to
 * quit, once the labs are down if that was the answer.
 */
export async function mayQuit(screens: Watched, dialog: DialogPart): Promise<boolean> {
  const overview = await waitFor(screens, 'The state of the labs', 5, () => true);
  const labs = overview.labs.map(({ name }) => name);
  const tasks = overview.tasks.filter(running).map(({ title }) => title);
  const cancelled =
    tasks.length === 0 ? '' : `These are still running and will be cancelled:\n${listed(tasks)}`;
  if (labs.length === 0 && tasks.length === 0) return true;
  if (labs.length === 0) {
    const { response } = await dialog.showMessageBox({
      type: 'question',
      message: 'Quit while work is running?',
      detail: cancelled,
      buttons: ['Quit', 'Cancel'],
      defaultId: 1,
      cancelId: 1,
    });
    return response === 0;
  }
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: labs.length === 1 ? `Does the lab ${labs[0]} stay up?` : `Do ${labs.length} labs stay up?`,
    detail: [labs.length === 1 ? '' : listed(labs), cancelled].filter((part) => part !== '').join('\n\n'),
    buttons:
      labs.length === 1
        ? ['It Stays Up', 'Take It Down', 'Cancel']
        : ['They Stay Up', 'Take Them Down', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
  });
  if (response !== 1) return response === 0;
  const failed = await takeDown(screens, overview);
  if (failed.length === 0) return true;
  await dialog.showMessageBox({
    type: 'error',
    message: 'Not everything could be taken down.',
    detail: listed(failed.map(({ lab, error }) => (error === null ? lab : `${lab}: ${error.message}`))),
    buttons: ['Back to the Labs'],
  });
  return false;
}
