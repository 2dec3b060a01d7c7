/** The colours of `theme.css` as they are now, for what is drawn on a canvas, which does not know CSS variables. */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ground: read('--ground'),
    surface: read('--surface'),
    line: read('--line'),
    lineStrong: read('--line-strong'),
    text: read('--text'),
    textSoft: read('--text-soft'),
    textFaint: read('--text-faint'),
    accent: read('--accent'),
    accentTint: read('--accent-tint'),
    bad: read('--bad'),
    goodMark: read('--good-mark'),
    warningMark: read('--warning-mark'),
    badMark: read('--bad-mark'),
    workingMark: read('--working-mark'),
    staleMark: read('--stale-mark'),
  };
}

export type Colours = Readonly<ReturnType<typeof readColours>>;

/** Calls back when the colour scheme or the presenter mode changes; returns how to stop that. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, {
    attributes: true,
    attributeFilter: ['data-mantine-color-scheme', 'data-presenter'],
  });
  return () => observer.disconnect();
}

/** The text font of the page, for a canvas. */
export const canvasFont = (): string =>
  getComputedStyle(document.documentElement).getPropertyValue('--sans').trim() || 'sans-serif';
