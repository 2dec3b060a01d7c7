import { reasonOf } from './reason.ts';

/** sd_notify(3): tells the service manager where we stand. Does nothing where there is none; never throws. */
export interface Notifier {
  ready(): void;
  status(text: string): void;
  stopping(): void;
}

const familyUnix = 1; // AF_UNIX
const datagram = 2 | 0x80000; // SOCK_DGRAM | SOCK_CLOEXEC
const noSignal = 0x4000; // MSG_NOSIGNAL
/** The room for the path in sockaddr_un (unix(7)). */
const longestPath = 108;

/**
 * sockaddr_un of a path, or of a name in the abstract namespace, which is written with a leading `@`. Null: it can't
 * be one.
 */
export function socketAddress(name: string): Buffer | null {
  if (!name.startsWith('/') && !name.startsWith('@')) return null;
  const path = Buffer.from(name);
  if (path.length < 2 || path.length >= longestPath) return null;
  if (path[0] === 0x40) path[0] = 0;
  const family = Buffer.alloc(2);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) family.writeUInt16LE(familyUnix);
  else family.writeUInt16BE(familyUnix);
  // A path ends with a zero, an abstract name with the length of the address.
  return Buffer.concat([family, path, ...(name.startsWith('/') ? [Buffer.alloc(1)] : [])]);
}

/** Node has no Unix datagram sockets, so libc is called. */
async function openSender(address: Buffer): Promise<(message: string) => void> {
  const { loadSystem, systemError } = await import('./kernel/native.ts');
  const system = await loadSystem();
  const descriptor = system.socket(familyUnix, datagram, 0);
  if (descriptor < 0) throw systemError('socket', system);
  return (message) => {
    const bytes = Buffer.from(message);
    if (system.sendto(descriptor, bytes, bytes.length, noSignal, address, address.length) < 0)
      throw systemError('sendto', system);
  };
}

/**
 * Opens the service manager's socket, which `NOTIFY_SOCKET` names; the variable is taken away from our own children.
 */
export async function openNotifier(
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<Notifier> {
  const name = environment['NOTIFY_SOCKET'] ?? '';
  delete environment['NOTIFY_SOCKET'];
  const failed = (error: unknown) => log(`the service manager at ${name} was not told: ${reasonOf(error)}`);
  let send: ((message: string) => void) | null = null;
  if (name !== '') {
    try {
      const address = socketAddress(name);
      if (address === null) throw new Error('it is neither a path nor an abstract name');
      send = await openSender(address);
    } catch (error) {
      failed(error);
    }
  }
  const tell = (message: string) => {
    try {
      send?.(message);
    } catch (error) {
      failed(error);
    }
  };
  return {
    ready: () => tell('READY=1\n'),
    status: (text) => tell(`STATUS=${text.replace(/\s+/g, ' ')}\n`),
    stopping: () => tell('STOPPING=1\n'),
  };
}
