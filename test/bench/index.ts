import { benchLab } from './lab.ts';

const benches: Record<string, () => Promise<void>> = { lab: benchLab };

const [name = ''] = process.argv.slice(2);
const chosen = benches[name];
if (chosen === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exitCode = 2;
} else {
  await chosen();
}
