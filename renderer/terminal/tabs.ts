import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { FlatlandError } from '../../contract/error.ts';
import type { Terminal } from '../../contract/live.ts';

/** Where log lines come from: a service of a host, or what a pod prints. */
export type LogSource =
  | { readonly kind: 'host'; readonly lab: string; readonly host: string; readonly service: string }
  | { readonly kind: 'pod'; readonly lab: string; readonly pod: string };

/** A log that this window looks at. Unlike terminals it is this window's own. */
interface LogTab {
  readonly id: string;
  readonly source: LogSource;
}

/**
 * A terminal that was asked for. `error` says why it will not be; `terminal` is its id once it has one, and the stream tells of
 * it soon. `predecessor` is the terminal of an earlier server whose place it takes.
 */
export interface PendingTab {
  readonly id: string;
  readonly lab: string;
  readonly target: string;
  readonly terminal: string | null;
  readonly predecessor: string | null;
  readonly error: FlatlandError | null;
}

interface Tabs {
  readonly logs: readonly LogTab[];
  readonly pending: readonly PendingTab[];
  /** Terminals of a server that is no more: what they printed is still here, and they can be opened anew. */
  readonly orphans: readonly Terminal[];
  /** The tab that is shown: the id of a terminal, a log or a pending terminal. */
  readonly active: string | null;
  /** Counts requests to move the focus into the tab that is shown. */
  readonly focus: number;
  readonly open: boolean;
  readonly maximised: boolean;
  /** Height of the drawer in pixels when it was last open. */
  readonly height: number;
  /** Whether terminals are read to who cannot see them; it costs some speed. */
  readonly screenReader: boolean;
}

/** What of the drawer is this window's own, also after a reload. Terminals themselves are told by the stream. */
export const useTabs = create<Tabs>()(
  persist(
    (): Tabs => ({
      logs: [],
      pending: [],
      orphans: [],
      active: null,
      focus: 0,
      open: false,
      maximised: false,
      height: 320,
      screenReader: false,
    }),
    {
      name: 'flatland-drawer',
      storage: createJSONStorage(() => sessionStorage),
      partialize: ({ logs, active, open, maximised, height, screenReader }) => ({
        logs,
        active,
        open,
        maximised,
        height,
        screenReader,
      }),
    },
  ),
);

let focusServed = 0;

/** Moves the focus if that was asked for and not done yet: a tab that appears for another reason leaves it alone. */
export function serveFocus(asked: number, move: () => void): void {
  if (asked <= focusServed) return;
  move();
  // In development React runs an effect twice.
  setTimeout(() => {
    focusServed = Math.max(focusServed, asked);
  }, 0);
}

/** The same source always has the same id, so that it is opened once. */
const logId = (source: LogSource): string =>
  source.kind === 'host'
    ? `log ${source.lab} host ${source.host} ${source.service}`
    : `log ${source.lab} pod ${source.pod}`;

/** Shows a tab and moves the focus there. */
export function activate(id: string | null): void {
  useTabs.setState(({ focus }) => ({ active: id, focus: focus + 1 }));
}

/** Shows a log, in the tab that it already has where there is one. */
export function addLog(source: LogSource): void {
  const id = logId(source);
  useTabs.setState(({ logs }) => ({
    logs: logs.some((tab) => tab.id === id) ? logs : [...logs, { id, source }],
  }));
  activate(id);
}

/** Lets a log's tab show another source, such as another service of the same host. */
export function changeLog(id: string, source: LogSource): void {
  const next = logId(source);
  if (id === next) return;
  useTabs.setState(({ logs }) => ({
    logs: logs.some((tab) => tab.id === next)
      ? logs.filter((tab) => tab.id !== id)
      : logs.map((tab) => (tab.id === id ? { id: next, source } : tab)),
    active: next,
  }));
}

/** Forgets what of a tab is this window's own. */
export function forget(id: string): void {
  useTabs.setState(({ logs, pending, orphans }) => ({
    logs: logs.filter((tab) => tab.id !== id),
    pending: pending.filter((tab) => tab.id !== id),
    orphans: orphans.filter((tab) => tab.id !== id),
  }));
}

let pendingCount = 0;

/** A tab that stands for a terminal until there is one. Returns its id. */
export function addPending(lab: string, target: string, predecessor: string | null): string {
  pendingCount += 1;
  const id = `pending ${pendingCount}`;
  useTabs.setState(({ pending }) => ({
    pending: [...pending, { id, lab, target, terminal: null, predecessor, error: null }],
  }));
  activate(id);
  return id;
}

/** What became known of a terminal that was asked for. */
export function settlePending(id: string, result: Partial<Pick<PendingTab, 'terminal' | 'error'>>): void {
  useTabs.setState(({ pending }) => ({
    pending: pending.map((tab) => (tab.id === id ? { ...tab, ...result } : tab)),
  }));
}

/** A tab of the drawer, whoever it belongs to. */
export type Tab =
  | { readonly kind: 'terminal'; readonly id: string; readonly terminal: Terminal; readonly orphan: boolean }
  | { readonly kind: 'pending'; readonly id: string; readonly pending: PendingTab }
  | { readonly kind: 'log'; readonly id: string; readonly source: LogSource };

/** All tabs in their order, and the one that is shown: the last when that which was shown is gone. Pure. */
export function tabsOf(
  terminals: readonly Terminal[],
  { logs, pending, orphans, active }: Pick<Tabs, 'logs' | 'pending' | 'orphans' | 'active'>,
): { tabs: readonly Tab[]; shown: Tab | null } {
  const known = new Set(terminals.map(({ id }) => id));
  const tabs: Tab[] = [
    ...orphans
      .filter(({ id }) => !known.has(id))
      .map((terminal): Tab => ({ kind: 'terminal', id: terminal.id, terminal, orphan: true })),
    ...terminals.map((terminal): Tab => ({ kind: 'terminal', id: terminal.id, terminal, orphan: false })),
    ...pending
      .filter(({ terminal }) => terminal === null || !known.has(terminal))
      .map((tab): Tab => ({ kind: 'pending', id: tab.id, pending: tab })),
    ...logs.map(({ id, source }): Tab => ({ kind: 'log', id, source })),
  ];
  const wanted = pending.find((tab) => tab.id === active)?.terminal ?? active;
  const shown = tabs.find(({ id }) => id === wanted) ?? tabs.find(({ id }) => id === active) ?? tabs.at(-1);
  return { tabs, shown: shown ?? null };
}

/** The neighbour that is shown when a tab is closed; null when it was the only one. */
export function neighbourOf(tabs: readonly Tab[], id: string): string | null {
  const index = tabs.findIndex((tab) => tab.id === id);
  return (tabs[index + 1] ?? tabs[index - 1])?.id ?? null;
}

/** Terminals of a server that has been restarted: it does not know them any more. */
export function orphansOf(before: readonly Terminal[], after: readonly Terminal[]): Terminal[] {
  const known = new Set(after.map(({ id }) => id));
  return before
    .filter(({ id }) => !known.has(id))
    .map((terminal) => ({
      ...terminal,
      state:
        terminal.state.kind === 'open' ? { kind: 'lost', reason: 'Flatland was restarted' } : terminal.state,
    }));
}
