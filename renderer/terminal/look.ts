import './ansi.css';
import type { ISearchDecorationOptions } from '@xterm/addon-search';
import type { ITerminalOptions } from '@xterm/xterm';

/** How a terminal looks with the page's colours and type size as they are now. */
export interface Look {
  readonly options: Required<Pick<ITerminalOptions, 'theme' | 'fontSize' | 'fontFamily'>>;
  readonly hits: ISearchDecorationOptions;
}

/** Reads the look from the page. The colours are tokens of the theme; xterm.js draws none but those it is given. */
export function readLook(): Look {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  const text = read('--text');
  const accent = read('--accent');
  return {
    options: {
      fontFamily: read('--mono'),
      fontSize: Math.round((Number.parseFloat(style.fontSize) / 16) * 13),
      theme: {
        background: read('--surface'),
        foreground: text,
        cursor: accent,
        cursorAccent: read('--surface'),
        // The last two digits are the opacity.
        selectionBackground: `${accent}4d`,
        selectionInactiveBackground: `${accent}33`,
        scrollbarSliderBackground: `${read('--stale-mark')}66`,
        scrollbarSliderHoverBackground: `${read('--stale-mark')}99`,
        scrollbarSliderActiveBackground: `${read('--stale-mark')}cc`,
        black: read('--line-strong'),
        brightBlack: read('--text-faint'),
        red: read('--bad'),
        brightRed: read('--bad-mark'),
        green: read('--good'),
        brightGreen: read('--good-mark'),
        yellow: read('--warning'),
        brightYellow: read('--warning-mark'),
        blue: read('--working'),
        brightBlue: read('--working-mark'),
        magenta: read('--ansi-magenta'),
        brightMagenta: read('--ansi-bright-magenta'),
        cyan: read('--ansi-cyan'),
        brightCyan: read('--ansi-bright-cyan'),
        white: read('--text-soft'),
        brightWhite: text,
      },
    },
    hits: {
      matchBackground: read('--warning-tint'),
      matchBorder: read('--warning-mark'),
      matchOverviewRuler: read('--warning-mark'),
      activeMatchBackground: read('--accent-tint'),
      activeMatchBorder: accent,
      activeMatchColorOverviewRuler: accent,
    },
  };
}
