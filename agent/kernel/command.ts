import { spawn } from 'node:child_process';

/** How a program ended: `code` is null when it had to be killed. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** No program that we call has any business of more than this; one that hangs would stop every repair. */
const deadline = 30_000;

/** Runs a program to its end, whatever its exit code; rejects only when it can't be started. */
export function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: deadline,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    // A program that ends early closes its stdin; its exit code says why.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Runs a program to its end and resolves to its stdout; rejects with its stderr in one line. */
export async function command(program: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, input);
  if (code === 0) return stdout;
  const why = stderr.trim().replace(/\s+/g, ' ');
  throw new Error(`${program}: ${why || (code === null ? 'did not end in time' : `exit code ${code}`)}`);
}

/** Whether an error says that the program isn't installed. */
export const isMissingProgram = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
