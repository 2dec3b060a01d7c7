/** Each is loaded when it is chosen: what one needs another does not. */
const benches: Record<string, (args: readonly string[]) => Promise<void>> = {
  agent: async ([first, ...rest]) => {
    if (first === 'helper') await (await import('./agent/helper.ts')).runHelper(rest);
    else await (await import('./agent/index.ts')).benchAgent(first === undefined ? [] : [first, ...rest]);
  },
  lab: async () => (await import('./lab.ts')).benchLab(),
  start: async () => (await import('./start.ts')).benchStart(),
  ui: async (args) => (await import('./ui.ts')).benchUi(args),
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

export {};
