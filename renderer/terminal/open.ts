import type { Terminal } from '../../contract/live.ts';
import { setView, useView } from '../app/view.ts';
import { type Client, toError } from '../rpc/client.ts';
import { addLog, addPending, forget, settlePending, useTabs } from './tabs.ts';

/** The size that a shell begins with; the drawer tells it the real one as soon as it is drawn. */
const firstSize = { columns: 100, rows: 24 };

/** The terminals that this window opened, each with the terminal of an earlier server whose place it took. */
const opened = new Map<string, string | null>();

/** Whether this window opened a terminal: all that it prints is new then. */
export const wasOpenedHere = (id: string): boolean => opened.has(id);

/** The terminal of an earlier server whose place a terminal took; what it printed stands above what the new one prints. */
export const predecessorOf = (id: string): string | null => opened.get(id) ?? null;

/** Shows the drawer with the height that it last had, but leaves the screen above it its half. */
export function showDrawer(): void {
  if (useView.getState().drawer !== null) return;
  setView({ drawer: Math.round(Math.min(useTabs.getState().height, window.innerHeight * 0.45)) });
}

/** Opens the drawer again that was open before a reload, and remembers whether it is. Returns how to stop. */
export function rememberDrawer(): () => void {
  if (useTabs.getState().open) showDrawer();
  return useView.subscribe(({ drawer }) => {
    const isOpen = drawer !== null;
    if (useTabs.getState().open !== isOpen) useTabs.setState({ open: isOpen });
  });
}

function open(client: Client, lab: string, target: string, predecessor: string | null): void {
  showDrawer();
  const tab = addPending(lab, target, predecessor);
  client.openTerminal.mutate({ lab, target, command: [], ...firstSize }).then(
    ({ id }) => {
      opened.set(id, predecessor);
      settlePending(tab, { terminal: id });
    },
    (error: unknown) => settlePending(tab, { error: toError(error) }),
  );
}

/** Opens a shell on a host or in a pod, in a tab of the drawer. The tab says it if that fails. */
export function openTerminalFor(client: Client, lab: string, target: string): void {
  open(client, lab, target, null);
}

/** Opens a terminal again that an earlier server had, or that could not be opened. */
export function openInPlaceOf(
  client: Client,
  tab: {
    readonly id: string;
    readonly lab: string;
    readonly target: string;
    readonly predecessor?: string | null;
  },
): void {
  const predecessor = tab.predecessor === undefined ? tab.id : tab.predecessor;
  open(client, tab.lab, tab.target, predecessor);
  forget(tab.id);
}

/** Opens a terminal again that ended or was lost; what it printed stays. Resolves when it is asked for. */
export async function reopen(client: Client, terminal: Terminal, orphan: boolean): Promise<void> {
  if (orphan) openInPlaceOf(client, terminal);
  else await client.reopenTerminal.mutate({ id: terminal.id });
}

/** Shows the log of a host's service (console, etcd, agent, docker, containerd or any unit) in a tab of the drawer. */
export function openLogsFor(lab: string, host: string, service: string): void {
  showDrawer();
  addLog({ kind: 'host', lab, host, service });
}

/** Shows what a pod prints in a tab of the drawer. */
export function openPodLogs(lab: string, pod: string): void {
  showDrawer();
  addLog({ kind: 'pod', lab, pod });
}
