import { reasonOf } from './reason.ts';

/** sd_notify(3): tells the service manager where we stand. Does nothing where there is none; never throws. */
export interface Notifier {
  ready(): void;
  status(text: string): void;
  stopping(): void;
  /**
   * Gives the service manager a copy of a descriptor, which the next process gets under this name (sd_notify(3),
   * FDSTORE). One that it has already it does not take twice.
   */
  keep(name: string, descriptor: number): void;
  /** Has it close what it keeps under a name. */
  release(name: string): void;
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

/** Sends a message, and with it a descriptor if one is named. */
type Send = (message: string, descriptor?: number) => void;

const socketLevel = 1; // SOL_SOCKET
const rights = 1; // SCM_RIGHTS
const longestMessage = 2048;
/* struct msghdr, struct iovec and struct cmsghdr with one descriptor, of 64-bit Linux (sendmsg(2), cmsg(3)). */
const place = { header: 0, vector: 64, control: 80, name: 104, text: 104 + longestPath + 4 } as const;
const controlLength = 20;

/** Node has no Unix datagram sockets, so libc is called. */
async function openSender(address: Buffer): Promise<Send> {
  const { loadSystem, systemError } = await import('./kernel/native.ts');
  const system = await loadSystem();
  const socket = system.socket(familyUnix, datagram, 0);
  if (socket < 0) throw systemError('socket', system);
  const memory = system.allocate(place.text + longestMessage);
  const bytes = Buffer.from(memory.buffer);
  const word = (at: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), at);
  address.copy(bytes, place.name);
  word(place.header, memory.address + place.name);
  bytes.writeUInt32LE(address.length, place.header + 8);
  word(place.header + 16, memory.address + place.vector);
  word(place.header + 24, 1);
  word(place.vector, memory.address + place.text);
  return (message, descriptor) => {
    const length = bytes.write(message.slice(0, longestMessage), place.text, longestMessage);
    word(place.vector + 8, length);
    word(place.header + 32, descriptor === undefined ? 0 : memory.address + place.control);
    word(place.header + 40, descriptor === undefined ? 0 : controlLength + 4);
    if (descriptor !== undefined) {
      word(place.control, controlLength);
      bytes.writeInt32LE(socketLevel, place.control + 8);
      bytes.writeInt32LE(rights, place.control + 12);
      bytes.writeInt32LE(descriptor, place.control + 16);
    }
    if (system.sendmsg(socket, memory.address, noSignal) < 0) throw systemError('sendmsg', system);
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
  let send: Send | null = null;
  if (name !== '') {
    try {
      const address = socketAddress(name);
      if (address === null) throw new Error('it is neither a path nor an abstract name');
      send = await openSender(address);
    } catch (error) {
      failed(error);
    }
  }
  const tell = (message: string, descriptor?: number) => {
    try {
      send?.(message, descriptor);
    } catch (error) {
      failed(error);
    }
  };
  return {
    ready: () => tell('READY=1\n'),
    status: (text) => tell(`STATUS=${text.replace(/\s+/g, ' ')}\n`),
    stopping: () => tell('STOPPING=1\n'),
    // Its own look at what it keeps would take away a socket with an error that is for us to read (FDPOLL).
    keep: (name, descriptor) => tell(`FDSTORE=1\nFDPOLL=0\nFDNAME=${name}\n`, descriptor),
    release: (name) => tell(`FDSTOREREMOVE=1\nFDNAME=${name}\n`),
  };
}
