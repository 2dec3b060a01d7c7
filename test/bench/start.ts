import { flatland, median, timed } from './timing.ts';

const rounds = 15;

/** Seconds that the launcher and the command line take when nothing is missing, beside what Node takes for nothing. */
export async function benchStart(): Promise<void> {
  const commands: readonly (readonly [title: string, program: string, args: readonly string[]])[] = [
    ['node -e 0', process.execPath, ['-e', '0']],
    ['flatland version', flatland, ['version']],
    ['flatland ls', flatland, ['ls']],
    ['flatland up --dry-run', flatland, ['up', '--dry-run']],
  ];
  const times = commands.map((): number[] => []);
  // Side by side: each round runs every command once.
  for (let round = 0; round < rounds; round += 1)
    for (const [index, [, program, args]] of commands.entries())
      times[index]?.push(await timed(program, args));
  const node = median(times[0] ?? []);
  console.log(`medians of ${rounds} rounds, one run\n`);
  for (const [index, [title]] of commands.entries()) {
    const seconds = median(times[index] ?? []);
    console.log(
      `${title.padEnd(24)}${seconds.toFixed(3)} s${(seconds / node).toFixed(1).padStart(8)} × node`,
    );
  }
}
