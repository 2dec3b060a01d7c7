import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { labStatus } from '../../contract/status.ts';
import { ownState, root, run } from '../support/flatland.ts';
import { firstProcessOf } from '../support/hosts.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';
import { openBrowser, openWindow, picture, type Window } from './browser.ts';
import { type Door, startDoor } from './door.ts';

const minutes = 60_000;

/** `flatland ui` as a user starts it. */
const startUi = (state: string, port: number): Promise<Door> =>
  startDoor(join(root, 'flatland'), ['ui', '--no-open', ...(port === 0 ? [] : ['--port', String(port)])], {
    ...process.env,
    XDG_STATE_HOME: state,
    NO_COLOR: '1',
  });

describe(
  'the whole story, in a browser, with a lab of three sandbox hosts',
  () => {
    const state = ownState();
    const before = takeSnapshot(state.directory);
    let browser: Browser;
    let door: Door;
    let window: Window;
    let page: Page;
    let lab = '';

    beforeAll(async () => {
      browser = await openBrowser();
      door = await startUi(state.directory, 0);
      window = await openWindow(browser, door.link);
      page = window.page;
    }, 2 * minutes);

    afterEach(() => {
      expect(window.complaints).toEqual([]);
    });

    afterAll(async () => {
      await browser.close();
      await door.end('SIGTERM');
      await state.remove();
    }, 2 * minutes);

    const verdict = () => page.getByRole('main').getByRole('heading', { level: 1 });
    const view = (name: string) =>
      page.getByRole('navigation', { name: 'Views of the lab' }).getByRole('link', { name }).click();
    /** Waits until the terminal that is shown says something. */
    const terminalSays = async (text: RegExp) => {
      const rows = page.locator('.xterm-rows:visible').first();
      await expect.poll(async () => (await rows.innerText()).trimEnd(), { timeout: 30_000 }).toMatch(text);
    };

    it(
      'begins with one click',
      async () => {
        await page.getByRole('heading', { name: 'One flat network over all your hosts' }).waitFor();
        await picture(page, 'start');
        await page.getByRole('button', { name: 'New lab' }).click();
        await page.waitForURL(/#\/lab\//);
        lab = decodeURIComponent(/#\/lab\/([^/?]+)/.exec(page.url())?.[1] ?? '');
        expect(lab).not.toBe('');
        await page.getByRole('region', { name: 'Steps' }).waitFor();
        await picture(page, 'building');
        await verdict()
          .filter({ hasText: /^\d+ of \d+ pairs reach each other$/ })
          .waitFor({ timeout: 2 * minutes });
        await picture(page, 'topology');
      },
      4 * minutes,
    );

    it('has every cell of the matrix green', async () => {
      await view('Probes');
      const grid = page.getByRole('grid');
      await grid.waitFor();
      // Six pods and three hosts ask; six pods answer; no pod asks itself.
      expect(await verdict().innerText()).toBe('48 of 48 pairs reach each other');
      expect(await page.getByRole('list', { name: 'Green cells of each kind' }).innerText()).toMatch(
        /48\/48/,
      );
      await picture(page, 'probes');
    });

    it('draws why the MTU is what it is', async () => {
      await page.goto(`${door.origin}/#/lab/${lab}/probes/h1-a/h2-a`);
      await page.getByRole('table', { name: 'What was measured from h1-a to h2-a' }).waitFor();
      await page.getByRole('button', { name: /MTU ladder/ }).click();
      const ladder = page.getByRole('region', { name: 'MTU ladder from h1-a to h2-a' });
      await ladder.getByText('1450').first().waitFor();
      await page.waitForFunction(
        () => document.querySelector('[aria-label^="MTU ladder"]')?.getAttribute('aria-busy') === 'false',
      );
      const told = await ladder.innerText();
      expect(told).toContain('1451');
      expect(told).toMatch(/VXLAN/);
      await picture(page, 'ladder');
    });

    it('launches a container, and pings a pod of another host from its terminal', async () => {
      await view('Containers');
      await page
        .getByRole('button', { name: /^Launch/ })
        .first()
        .click();
      const panel = page.getByRole('dialog', { name: 'Launch containers' });
      await panel.getByLabel('Name').fill('story');
      await panel.getByRole('button', { name: 'Launch a container' }).click();
      const line = page.getByRole('row', { name: /story/ });
      await line.getByText('running').waitFor();
      await panel.waitFor({ state: 'hidden' });
      await picture(page, 'containers');
      const other = labStatus.parse(
        JSON.parse((await run(state.directory, ['status', lab, '--json'])).stdout),
      );
      const address = other.hosts.find(({ name }) => name === 'h2')?.pods[0]?.address ?? '';
      expect(address).not.toBe('');
      await line.getByRole('button', { name: 'Terminal in story' }).click();
      await page.locator('.xterm-helper-textarea').first().waitFor({ state: 'attached' });
      await terminalSays(/[$#] *$/);
      await page.keyboard.type(`ping -c 3 ${address}\n`);
      await terminalSays(/3 packets transmitted, 3 (packets )?received, 0% packet loss/);
      await picture(page, 'terminal');
    });

    it('has every host on a card, and every event on a line', async () => {
      await page.keyboard.press('Control+`');
      await view('Hosts');
      await page.getByRole('link', { name: /^h1/ }).first().waitFor();
      await picture(page, 'hosts');
      await page.goto(`${door.origin}/#/lab/${lab}/hosts/h1`);
      await page
        .getByText('flannel.1:')
        .or(page.getByText(/flannel\.1/))
        .first()
        .waitFor();
      await page.getByText('mtu 1450').first().waitFor();
      // Charts need a few samples before they have a line.
      await page.waitForTimeout(6000);
      await picture(page, 'host');
      await view('Timeline');
      await page
        .getByRole('table', { name: 'Events, newest first' })
        .or(page.getByRole('grid', { name: 'Events, newest first' }))
        .first()
        .waitFor();
      await picture(page, 'timeline');
    });

    it('sees what another door does', async () => {
      expect((await run(state.directory, ['exec', '--lab', lab, 'h3', '--', 'true'])).code).toBe(0);
      await page
        .getByText(/h3: true|true on h3|h3.*true/)
        .first()
        .waitFor();
    });

    it('shows a second window the same', async () => {
      const second = await window.context.newPage();
      await second.goto(page.url());
      await second
        .getByRole('main')
        .getByRole('heading', { level: 1 })
        .filter({ hasText: /pairs reach each other/ })
        .waitFor();
      await second.keyboard.press('Control+`');
      await second.getByRole('tab', { name: /story/ }).waitFor();
      await second.close();
    });

    it(
      'comes back by itself when what is behind it was killed',
      async () => {
        await door.end('SIGKILL');
        await page.getByText(/not answering/).waitFor();
        await picture(page, 'door-lost');
        door = await startUi(state.directory, door.port);
        await page.getByText(/not answering/).waitFor({ state: 'hidden' });
        await verdict()
          .filter({ hasText: /pairs reach each other/ })
          .waitFor();
        // A browser says itself that nobody answered, which is so; it says nothing else.
        const unanswered =
          /ERR_CONNECTION_REFUSED|WebSocket connection to .* failed|^request: \/ net::ERR_ABORTED/;
        expect(window.complaints.filter((line) => !unanswered.test(line))).toEqual([]);
        window.complaints.length = 0;
      },
      2 * minutes,
    );

    it(
      'sees a host die, and brings it back',
      async () => {
        await view('Topology');
        await page.keyboard.press('Shift+T');
        await page.getByRole('combobox', { name: 'Host or pod' }).fill('h3');
        await page.keyboard.press('Enter');
        await terminalSays(/[$#] *$/);
        const {
          lab: { id },
        } = labStatus.parse(JSON.parse((await run(state.directory, ['status', lab, '--json'])).stdout));
        process.kill(firstProcessOf(id, 'h3'), 'SIGKILL');
        await verdict().filter({ hasText: '1 host lost: h3' }).waitFor();
        await page.getByRole('tab', { name: /h3.*lost/ }).waitFor();
        await picture(page, 'host-lost');
        await page.keyboard.press('Control+`');
        await view('Hosts');
        await page
          .getByText(/reconnecting in \d+ s/)
          .first()
          .waitFor();
        await view('Topology');
        await page.getByRole('button', { name: 'Bring back' }).first().click();
        await verdict()
          .filter({ hasText: /^\d+ of \d+ pairs reach each other$/ })
          .waitFor({ timeout: 2 * minutes });
      },
      4 * minutes,
    );

    it('exports the lab as one file that opens anywhere', async () => {
      await page.getByRole('button', { name: 'More for this lab' }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: 'Export HTML' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(`${lab}.html`);
      const path = join(state.directory, download.suggestedFilename());
      await download.saveAs(path);
      const text = readFileSync(path, 'utf8');
      expect(text).not.toMatch(/<script|https?:\/\/|PRIVATE KEY/);
      const elsewhere = await openWindow(browser, `file://${path}`);
      await elsewhere.page
        .getByText(/pairs reach each other/)
        .first()
        .waitFor();
      await picture(elsewhere.page, 'export');
      expect(elsewhere.complaints).toEqual([]);
      await elsewhere.close();
    });

    it('is fit for a room', async () => {
      await page.keyboard.press('Escape');
      await page.getByRole('main').focus();
      await page.keyboard.press('p');
      await page.waitForTimeout(500);
      await picture(page, 'presenter');
      await page.keyboard.press('p');
    });

    it(
      'goes without a trace',
      async () => {
        await page.getByRole('button', { name: 'More for this lab' }).click();
        await page.getByRole('menuitem', { name: /Take down/ }).click();
        const question = page.getByRole('dialog', { name: new RegExp(`Take down ${lab}`) });
        await picture(page, 'take-down');
        await question.getByRole('button', { name: /^Take/ }).click();
        await page.goto(`${door.origin}/#/`);
        await page.getByRole('heading', { name: 'One flat network over all your hosts' }).waitFor();
        await door.end('SIGTERM');
        expect(changesSince(before, state.directory)).toEqual([]);
      },
      2 * minutes,
    );
  },
  10 * minutes,
);
