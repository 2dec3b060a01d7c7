import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command as a user calls it; benchmarks run from `out/`. */
export const flatland = fileURLToPath(new URL('../flatland', import.meta.url));

/** Runs a command to its end; resolves to the seconds that it took, rejects when it fails. */
export function timed(program: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve((performance.now() - began) / 1000);
      else reject(new Error(`${program} ${args.join(' ')} ended with code ${code}: ${complaint}`));
    });
  });
}

export const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
