import { benchLab } from './lab.ts';
import { benchStart } from './start.ts';
import { benchUi } from './ui.ts';

const benches: Record<string, (args: readonly string[]) => Promise<void>> = {
  lab: benchLab,
  start: benchStart,
  ui: benchUi,
};

const [name = '', ...rest] = process.argv.slice(2);
const chosen = benches[name];
if (chosen === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exitCode = 2;
} else {
  await chosen(rest);
  // Timers of libraries would keep the process for minutes.
  process.exit();
}
