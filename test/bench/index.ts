import { benchLab } from './lab.ts';
import { benchStart } from './start.ts';

const benches: Record<string, () => Promise<void>> = { lab: benchLab, start: benchStart };

const [name = ''] = process.argv.slice(2);
const chosen = benches[name];
if (chosen === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exitCode = 2;
} else {
  await chosen();
  // Timers of libraries would keep the process for minutes.
  process.exit();
}
