import { spawn } from 'node:child_process';

/** Runs a program to its end and resolves to its stdout; rejects with its stderr in one line. */
export function command(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${program}: ${stderr.trim().replace(/\s+/g, ' ') || `exit code ${code}`}`));
    });
    // A program that ends early closes its stdin; its exit code says why.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Runs `ip -batch` inside a network namespace (a path), or in this machine's own when it is null. */
export async function ipBatch(namespace: string | null, lines: readonly string[]): Promise<void> {
  const batch = `${lines.join('\n')}\n`;
  if (namespace === null) await command('ip', ['-batch', '-'], batch);
  else await command('nsenter', [`--net=${namespace}`, 'ip', '-batch', '-'], batch);
}
