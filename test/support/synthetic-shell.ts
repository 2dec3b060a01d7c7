import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecRequest } from '../../contract/request.ts';
import type { ExecStreams } from '../../main/router.ts';

interface Place {
  readonly name: string;
  readonly address: string;
}

type Say = (text: string) => Promise<void>;

/** Runs one line; resolves to the exit code. Ctrl-C aborts the signal. */
async function runLine(
  line: string,
  place: Place,
  size: { columns: number; rows: number },
  say: Say,
  signal: AbortSignal,
): Promise<number> {
  const [command = '', ...rest] = line.trim().split(/\s+/);
  switch (command) {
    case '':
      return 0;
    case 'hostname':
      await say(`${place.name}\r\n`);
      return 0;
    case 'stty':
      await say(`${size.rows} ${size.columns}\r\n`);
      return 0;
    case 'echo':
      await say(`${rest.join(' ')}\r\n`);
      return 0;
    case 'ls':
      await say(
        '\x1b[1;34mbin\x1b[0m  \x1b[1;34metc\x1b[0m  \x1b[1;34mhome\x1b[0m  \x1b[1;34mrun\x1b[0m  \x1b[1;34musr\x1b[0m  \x1b[1;34mvar\x1b[0m\r\n',
      );
      return 0;
    case 'ip':
      await say(
        `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\r\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450\r\n    inet ${place.address}/24 scope global eth0\r\n`,
      );
      return 0;
    case 'ping': {
      const target = rest.find((word) => !word.startsWith('-')) ?? place.address;
      await say(`PING ${target} 56(84) bytes of data.\r\n`);
      for (let sequence = 1; !signal.aborted; sequence += 1) {
        const time = (0.19 + (sequence % 7) * 0.01).toFixed(2);
        await say(`64 bytes from ${target}: icmp_seq=${sequence} ttl=62 time=${time} ms\r\n`);
        await delay(1000, undefined, { signal }).catch(() => {});
      }
      return 130;
    }
    case 'yes':
      while (!signal.aborted) {
        await say(`${rest[0] ?? 'y'}\r\n`.repeat(500));
        // The output of a real program comes in turns of the event loop.
        await nextTurn();
      }
      return 130;
    case 'colours':
    case 'colors':
      for (let colour = 0; colour < 8; colour += 1)
        await say(`\x1b[3${colour}m colour ${colour} \x1b[4${colour}m   \x1b[0m\r\n`);
      return 0;
    case 'sleep':
      await delay(Number(rest[0] ?? 1) * 1000, undefined, { signal }).catch(() => {});
      return 0;
    case 'help':
      await say('hostname, ls, ip, ping, yes, colours, stty, echo, sleep, exit\r\n');
      return 0;
    default:
      await say(`sh: ${command}: not found\r\n`);
      return 127;
  }
}

/** A small shell that echoes what is typed and knows a few commands; a command that is not empty is run instead of it. */
export async function syntheticShell(
  request: ExecRequest,
  place: Place,
  streams: ExecStreams,
  signal: AbortSignal,
): Promise<number> {
  let size = { columns: request.terminal?.columns ?? 80, rows: request.terminal?.rows ?? 24 };
  streams.onResize?.((changed) => {
    size = changed;
  });
  const say: Say = async (text) => {
    if (signal.aborted) return;
    if (!streams.output.write(text))
      await new Promise<void>((resolve) => {
        streams.output.once('drain', resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
  };
  if (request.command.length > 0) return runLine(request.command.join(' '), place, size, say, signal);
  const prompt = `\x1b[1;32mroot@${place.name}\x1b[0m:\x1b[1;34m~\x1b[0m# `;
  await say(`Welcome to ${place.name}, a host that is made up. Try \`help\`.\r\n${prompt}`);
  const { input } = streams;
  if (input === null) return 0;
  let line = '';
  let interrupt: AbortController | null = null;
  return new Promise((resolve) => {
    const run = async (text: string) => {
      interrupt = new AbortController();
      await runLine(text, place, size, say, AbortSignal.any([signal, interrupt.signal]));
      interrupt = null;
      await say(prompt);
    };
    signal.addEventListener('abort', () => resolve(130), { once: true });
    input.on('end', () => resolve(0));
    input.on('data', (data: Buffer) => {
      for (const character of data.toString()) {
        if (character === '\x03') {
          void say(interrupt === null ? `^C\r\n${prompt}` : '^C\r\n');
          interrupt?.abort();
          line = '';
        } else if (interrupt !== null) continue;
        else if (character === '\r' || character === '\n') {
          const text = line;
          line = '';
          const [, code] = /^\s*exit(?:\s+(\d+))?\s*$/.exec(text) ?? [];
          if (/^\s*exit\b/.test(text)) {
            void say('\r\n').then(() => resolve(Number(code ?? 0)));
            return;
          }
          void say('\r\n').then(() => run(text));
        } else if (character === '\x7f') {
          if (line !== '') void say('\b \b');
          line = line.slice(0, -1);
        } else if (character === '\x04') {
          if (line === '') resolve(0);
        } else {
          line += character;
          void say(character);
        }
      }
    });
  });
}
