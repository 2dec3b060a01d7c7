import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
} from '@mantine/core';

const accent: MantineColorsTuple = [
  '#eef1ff',
  '#dde2fb',
  '#b9c3f5',
  '#93a7ff',
  '#6c81ea',
  '#4c62dc',
  '#3148c8',
  '#283cab',
  '#20318d',
  '#182670',
];

/** Mantine's greys for the dark scheme, in the blue-grey of `theme.css`: text first, then lines, then surfaces. */
const dark: MantineColorsTuple = [
  '#e9edf3',
  '#b0bac8',
  '#8f9bac',
  '#66717f',
  '#3b4656',
  '#262e3a',
  '#1a2029',
  '#13181f',
  '#0f1319',
  '#0c0f14',
];

const closeButtonProps = { 'aria-label': 'Close' };

/** Mantine's parts in the look of `theme.css`. */
export const theme = createTheme({
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 3 },
  autoContrast: true,
  colors: { accent, dark },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: { fontWeight: '600' },
  variantColorResolver: (input) => {
    const colours = defaultVariantColorsResolver(input);
    if (input.variant !== 'filled') return colours;
    if (input.color === undefined || input.color === 'accent')
      return { ...colours, color: 'var(--on-accent)' };
    return input.color === 'red' ? { ...colours, color: 'var(--on-bad)' } : colours;
  },
  components: {
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, color: 'dark' } },
    Modal: {
      defaultProps: {
        centered: true,
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.35 },
        closeButtonProps,
      },
    },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.35 }, closeButtonProps } },
    // A dialog's header is no header of the page.
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    // A menu holds nothing but its items.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    // What is laid over the page is in a landmark of its own; `Frame` has it.
    Portal: { defaultProps: { target: '#overlays' } },
  },
});

const shared = {
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-border': 'var(--line)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-faint)',
  '--mantine-color-placeholder': 'var(--text-faint)',
  '--mantine-color-error': 'var(--bad)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-gray-light-color': 'var(--text-soft)',
  '--mantine-color-accent-filled': 'var(--accent)',
  '--mantine-color-accent-filled-hover': 'color-mix(in srgb, var(--accent) 86%, var(--text))',
  '--mantine-color-accent-light': 'var(--accent-tint)',
  '--mantine-color-accent-light-hover': 'color-mix(in srgb, var(--accent-tint) 85%, var(--accent))',
  '--mantine-color-accent-light-color': 'var(--accent)',
  '--mantine-primary-color-filled': 'var(--accent)',
  '--mantine-primary-color-light-color': 'var(--accent)',
  '--mantine-color-red-6': 'var(--bad)',
  '--mantine-color-red-filled': 'var(--bad)',
  '--mantine-color-red-filled-hover': 'color-mix(in srgb, var(--bad) 86%, var(--text))',
  '--mantine-color-red-light': 'var(--bad-tint)',
  '--mantine-color-red-light-color': 'var(--bad)',
};

/** Mantine's own variables follow ours, in both colour schemes. */
export const variables: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared });
