import type { Tab } from './tabs.ts';

/** What stands on a tab. `detail` tells more, such as the lab when it is another one. */
export interface TabTitle {
  readonly name: string;
  readonly detail: string | null;
}

function plain(tab: Tab): { lab: string; name: string } {
  switch (tab.kind) {
    case 'terminal':
      return { lab: tab.terminal.lab, name: tab.terminal.target };
    case 'pending':
      return { lab: tab.pending.lab, name: tab.pending.target };
    case 'log':
      return {
        lab: tab.source.lab,
        name:
          tab.source.kind === 'host' ? `${tab.source.host} ${tab.source.service}` : `${tab.source.pod} log`,
      };
  }
}

/** Titles that tell the tabs apart: a second shell on the same host has a number, and another lab is named. Pure. */
export function titlesOf(tabs: readonly Tab[], watched: string | null): TabTitle[] {
  const seen = new Map<string, number>();
  return tabs.map((tab) => {
    const { lab, name } = plain(tab);
    const key = `${lab} ${name}`;
    const number = (seen.get(key) ?? 0) + 1;
    seen.set(key, number);
    return { name: number === 1 ? name : `${name} (${number})`, detail: lab === watched ? null : lab };
  });
}

/** Where a tab stands, in one or two words; null while there is nothing to say. */
export function stateWords(
  tab: Tab,
): { readonly health: 'working' | 'stale' | 'warning' | 'bad'; readonly text: string } | null {
  if (tab.kind === 'log') return null;
  if (tab.kind === 'pending')
    return tab.pending.error === null
      ? { health: 'working', text: 'opening' }
      : { health: 'bad', text: 'not opened' };
  const { state } = tab.terminal;
  switch (state.kind) {
    case 'open':
      return null;
    case 'ended':
      return { health: state.code === 0 ? 'stale' : 'warning', text: `ended with ${state.code}` };
    case 'lost':
      return { health: 'bad', text: 'lost' };
  }
}
