import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../../../agent/backend/test-lab/lab.ts';

const mostMilliseconds = 10_000;

/**
 * What tcpdump prints of the packets that pass a device of a namespace while something happens, until that is enough.
 * Throws with what there was when it is not within ten seconds.
 */
export async function capture(
  where: Namespace,
  device: string,
  filter: string,
  happen: () => unknown,
  enough: (text: string) => boolean,
): Promise<string> {
  const words = ['-i', device, '-n', '-v', '-x', '-l', '--immediate-mode', filter];
  const child = spawn('nsenter', [`--net=/run/netns/${where.name}`, 'tcpdump', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  let text = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  const until = async (what: string, look: () => boolean) => {
    const deadline = Date.now() + mostMilliseconds;
    while (!look()) {
      if (Date.now() > deadline) throw new Error(`no ${what} on ${device}: ${said}\n${text}`);
      await sleep(10);
    }
  };
  try {
    await until('capture', () => said.includes('listening on'));
    await happen();
    await until('packet that is waited for', () => enough(text));
    return text;
  } finally {
    child.kill('SIGTERM');
    await exit;
  }
}

/** The packets of a capture from the IP header on, in hexadecimal digits. */
export const ipPackets = (text: string): string[] =>
  text
    .split(/^(?=\S)/m)
    .map((packet) =>
      [...packet.matchAll(/^\s+0x[0-9a-f]{4}:\s+([0-9a-f ]+)$/gm)]
        .map(([, part = '']) => part.replaceAll(' ', ''))
        .join(''),
    )
    .filter((packet) => packet !== '');
