import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { root } from '../support/flatland.ts';

/** Pictures of every screen, for people to look at; git ignores them. */
const pictures = join(root, 'test', 'desktop', 'screenshots');

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: '/usr/bin/chromium' });

export interface Window {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page complained of in its console, uncaught errors and failed requests; nothing is expected. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Opens a page in a context of its own (its own cookies and storage). */
export async function openWindow(
  browser: Browser,
  url: string,
  options: { readonly width?: number; readonly height?: number; readonly scale?: number } = {},
): Promise<Window> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    deviceScaleFactor: options.scale ?? 1,
    colorScheme: 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('requestfailed', (request) =>
    complaints.push(`request: ${new URL(request.url()).pathname} ${request.failure()?.errorText ?? ''}`),
  );
  await page.goto(url);
  return { context, page, complaints, close: () => context.close() };
}

/** Fails when axe finds anything (WCAG 2.2 A and AA, and its own good practice) in what is shown now. */
export const checkAccessibility = (page: Page): Promise<void> =>
  check(new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } }));

async function check(builder: AxeBuilder): Promise<void> {
  const { violations } = await builder.analyze();
  const found = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes
      .slice(0, 3)
      .map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary ?? ''}`),
  }));
  expect(found).toEqual([]);
}

/** Whether the page has taken a theme on and nothing fades any more; axe would measure colours half-way. */
function settled(theme: string): boolean {
  const shown = document.documentElement.dataset['mantineColorScheme'] ?? theme;
  return shown === theme && document.getAnimations().every(({ playState }) => playState === 'finished');
}

/** Takes a picture in both themes and has axe look at each; ends in the light one. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForFunction(settled, colorScheme);
    await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`) });
    // Of all rules only contrast depends on the theme.
    if (colorScheme === 'dark') await check(new AxeBuilder({ page }).withRules(['color-contrast']));
    else await checkAccessibility(page);
  }
}

/** Whether the page scrolls sideways, which no screen may do. */
export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
