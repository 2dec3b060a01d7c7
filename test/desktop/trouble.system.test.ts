import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/flatland.ts';
import {
  checkAccessibility,
  openBrowser,
  openWindow,
  picture,
  scrollsSideways,
  type Window,
} from './browser.ts';
import { type Door, startDoor } from './door.ts';

const minute = 60_000;

/** The real screens, router and web door over made-up labs, so that there can be more of everything than this machine holds. */
const startSynthetic = (...args: string[]): Promise<Door> =>
  startDoor(process.execPath, [join(root, 'out', 'synthetic-ui.js'), '--port', '0', '--others', ...args]);

describe(
  'the screens under bad input and bad luck',
  () => {
    let browser: Browser;
    let door: Door;
    let window: Window;
    let page: Page;

    beforeAll(async () => {
      browser = await openBrowser();
      door = await startSynthetic('--hosts', '12', '--pods', '3', '--history', '10000');
      window = await openWindow(browser, door.link);
      page = window.page;
      await page
        .getByRole('link', { name: /^synthetic/ })
        .first()
        .waitFor();
    }, minute);

    afterEach(() => {
      expect(window.complaints).toEqual([]);
    });

    afterAll(async () => {
      await browser.close();
      await door.end('SIGTERM');
    }, minute);

    const go = async (place: string) => {
      await page.goto(`${door.origin}/#${place}`);
    };
    const verdict = () => page.getByRole('main').getByRole('heading', { level: 1 });

    it('says plainly that there is no such lab, and no such host, whatever its name is', async () => {
      for (const name of ['nothing', '<img src=x onerror=alert(1)>', '../..', '%2e%2e%2f', '__proto__']) {
        await go(`/lab/${encodeURIComponent(name)}`);
        await page.getByText('There is no lab').first().waitFor();
        expect(await page.locator('img').count()).toBe(0);
      }
      await go('/lab/synthetic/hosts/nobody');
      await page
        .getByText(/no host/i)
        .first()
        .waitFor();
      await go('/lab/synthetic/nowhere');
      await page.getByRole('main').getByText(/./).first().waitFor();
    });

    it('shows hostile text of a host as text', async () => {
      await go('/lab/troubled/hosts');
      await verdict().waitFor();
      await page.waitForTimeout(1000);
      expect(await page.locator('main img').count()).toBe(0);
      await picture(page, 'troubled-hosts');
      await go('/lab/troubled');
      await page.waitForTimeout(1500);
      await picture(page, 'troubled-topology');
      await go('/lab/troubled/probes');
      await page.waitForTimeout(1000);
      await picture(page, 'troubled-probes');
    });

    it('tells of every mistake in a lab file where it is', async () => {
      await go('/new');
      const editor = page.locator('.cm-content');
      await editor.click();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText('name: <img onerror=alert(1)>\nhosts:\n  - nam: h1\n');
      await page
        .getByText(/must be a DNS label/)
        .first()
        .waitFor();
      await page.getByText(/nam/).first().waitFor();
      expect(await page.getByRole('button', { name: /Bring it up/ }).isDisabled()).toBe(true);
      await picture(page, 'new-lab-mistakes');
      await editor.click();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText('name: fine\nhosts:\n  - name: h1\n');
      await page.getByText('What it will do').waitFor();
      await picture(page, 'new-lab');
    });

    it('has 10,000 events on one line, and moves among them with the keyboard', async () => {
      await go('/lab/synthetic/timeline');
      await page.getByText(/10,?.?000 events/).waitFor();
      await page
        .getByRole('button', { name: 'All', exact: true })
        .or(page.getByText('All', { exact: true }))
        .first()
        .click();
      await picture(page, 'timeline-10000');
    });

    it.each([
      ['small', 900, 600, 1],
      ['huge', 3840, 2160, 1],
      // What a browser does at 200 %: half the room, twice the dots.
      ['zoomed', 720, 450, 2],
    ] as const)(
      'fits a %s window without scrolling sideways',
      async (name, width, height, scale) => {
        const other = await startSynthetic('--hosts', '3', '--pods', '2', '--token', `token-${name}`);
        const own = await openWindow(browser, other.link, { width, height, scale });
        try {
          for (const place of [
            '/',
            '/new',
            '/lab/synthetic',
            '/lab/synthetic/hosts',
            '/lab/synthetic/hosts/h1',
            '/lab/synthetic/probes',
            '/lab/synthetic/containers',
            '/lab/synthetic/timeline',
          ]) {
            await own.page.goto(`${other.origin}/#${place}`);
            await own.page.getByRole('heading', { level: 1 }).first().waitFor();
            await own.page.waitForTimeout(400);
            expect(await scrollsSideways(own.page), place).toBe(false);
            if (name === 'zoomed') await checkAccessibility(own.page);
          }
          await picture(own.page, `window-${name}`);
          expect(own.complaints).toEqual([]);
        } finally {
          await own.close();
          await other.end('SIGTERM');
        }
      },
      2 * minute,
    );

    it(
      'goes on after a sleep: what is behind it stands still, then time has passed',
      async () => {
        await go('/lab/synthetic/hosts');
        await verdict().waitFor();
        process.kill(door.pid, 'SIGSTOP');
        try {
          await page.getByText(/not answering/).waitFor();
          await page.getByText(/stale/).first().waitFor();
        } finally {
          process.kill(door.pid, 'SIGCONT');
        }
        await page.getByText(/not answering/).waitFor({ state: 'hidden' });
        await page.getByText('now', { exact: true }).first().waitFor();
        window.complaints.length = 0;
      },
      2 * minute,
    );

    it('is all reachable by keys: palette, places, theme, help', async () => {
      await go('/');
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog', { name: 'Command palette' }).waitFor();
      await picture(page, 'palette');
      await page.keyboard.type('synthetic');
      await page.keyboard.press('Enter');
      await page.waitForURL(/#\/lab\/synthetic/);
      // The places of a lab can be gone to once there is a lab.
      await page.getByRole('navigation', { name: 'Views of the lab' }).waitFor();
      for (const [key, place] of [
        ['h', 'hosts'],
        ['p', 'probes'],
        ['c', 'containers'],
        ['l', 'timeline'],
      ] as const) {
        await page.keyboard.press('g');
        await page.keyboard.press(key);
        await page.waitForURL(new RegExp(`#/lab/synthetic/${place}`));
      }
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await picture(page, 'shortcuts');
      await page.keyboard.press('Escape');
    });
  },
  10 * minute,
);
