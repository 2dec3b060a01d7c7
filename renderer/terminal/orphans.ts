import { useStream } from '../stream/store.ts';
import { forget, orphansOf, useTabs } from './tabs.ts';

/**
 * Keeps what the stream forgets: terminals of a server that was restarted stay as tabs, lost, until they are opened anew or closed.
 * A terminal that goes while the server is there was closed, here or in another window. Returns how to stop.
 */
export function keepOrphans(): () => void {
  let lost = false;
  const stopStream = useStream.subscribe((now, before) => {
    if (now.door.kind === 'lost') lost = true;
    if (now.terminals === before.terminals) return;
    if (lost && now.door.kind === 'open') {
      lost = false;
      const orphans = orphansOf(before.terminals, now.terminals);
      if (orphans.length > 0) useTabs.setState((tabs) => ({ orphans: [...tabs.orphans, ...orphans] }));
    }
    dropSettled();
  });
  const stopTabs = useTabs.subscribe((now, before) => {
    if (now.pending !== before.pending) dropSettled();
  });
  return () => {
    stopStream();
    stopTabs();
  };
}

/** What was pending until the stream told of it is a terminal like any other from now on. */
function dropSettled(): void {
  const known = new Set(useStream.getState().terminals.map(({ id }) => id));
  const { pending, active } = useTabs.getState();
  for (const { id, terminal } of pending) {
    if (terminal === null || !known.has(terminal)) continue;
    if (active === id) useTabs.setState(({ focus }) => ({ active: terminal, focus: focus + 1 }));
    forget(id);
  }
}
