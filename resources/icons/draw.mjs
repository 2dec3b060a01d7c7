// Draws flatland.svg in the sizes that packages need: `node resources/icons/draw.mjs [CHROMIUM]`.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const directory = dirname(fileURLToPath(import.meta.url));
const picture = readFileSync(join(directory, 'flatland.svg'), 'utf8');
const browser = await chromium.launch({ executablePath: process.argv[2] ?? '/usr/bin/chromium' });
try {
  const page = await browser.newPage();
  for (const size of [16, 32, 48, 64, 128, 256, 512]) {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw}</style>${picture}`);
    await page.screenshot({ path: join(directory, `${size}x${size}.png`), omitBackground: true });
  }
} finally {
  await browser.close();
}
