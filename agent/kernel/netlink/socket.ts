import { loadSystem, type System, systemError } from '../native.ts';
import {
  headerLength,
  type Message,
  type Request,
  readAttributes,
  readMessages,
  requestLength,
  textOf,
  writeRequest,
} from './message.ts';

/* netlink(7), linux/netlink.h */
const family = 16;
const raw = 3;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;
const netlinkLevel = 270;
const shortAcknowledgements = 10;
const extendedAcknowledgements = 11;
const strictChecks = 12;
const socketLevel = 1;
const forceReceiveBuffer = 33;
const dontWait = 0x40;
const noBuffers = 105;

const requestFlag = 0x01;
const acknowledge = 0x04;
const interrupted = 0x10;
const dumpFlags = 0x300;
export const replaceFlag = 0x100;
export const createFlag = 0x400;
const hasAttributes = 0x200;

const errorMessage = 2;
const doneMessage = 3;
/** linux/netlink.h, NLMSGERR_ATTR_MSG. */
const reasonAttribute = 1;

/** What one call sends has to fit the send buffer, 208 KiB by default; what one receives is never longer than 32 KiB. */
const room = 128 * 1024;
const receiveBuffer = 4 * 1024 * 1024;
/** Requests in one call: their answers, if all of them fail, fit the receive buffer. */
const mostRequests = 1000;
const mostQuestions = 200;
/** The kernel says that a list changed while it was made; one that changes all the time is taken as it is. */
const mostDumps = 5;

/** A request that the kernel refused: its place in the batch, from 0, and what the kernel said. */
export interface Refused {
  readonly index: number;
  readonly errno: number;
  readonly reason: string;
}

/** A netlink socket of this process's network namespace. The kernel answers within the calls, so nothing waits. */
export interface Netlink {
  /** Our own port, which changes that we made carry. */
  readonly port: number;
  /** One answer to each request for a single thing; null where the kernel has none or refuses. */
  ask(requests: readonly Request[]): (Message | null)[];
  /** All answers to a request for a list. */
  dump(request: Request): Message[];
  /** Makes all changes, going on after one that is refused. */
  change(requests: readonly Request[]): Refused[];
  /** Takes all messages that wait; null when some were lost. */
  take(): Message[] | null;
  close(): void;
}

/** The usual words for what the kernel refuses without any of its own (errno(3)). */
const words = new Map([
  [1, 'Operation not permitted'],
  [2, 'No such file or directory'],
  [3, 'No such process'],
  [12, 'Cannot allocate memory'],
  [13, 'Permission denied'],
  [16, 'Device or resource busy'],
  [17, 'File exists'],
  [19, 'No such device'],
  [22, 'Invalid argument'],
  [28, 'No space left on device'],
  [95, 'Operation not supported'],
  [99, 'Cannot assign requested address'],
  [100, 'Network is down'],
  [101, 'Network is unreachable'],
  [105, 'No buffer space available'],
  [113, 'No route to host'],
]);

/** Opens a socket of a netlink protocol, bound to the groups whose news it gets (a bit for each). */
export function openNetlink(system: System, protocol: number, groups = 0): Netlink {
  const descriptor = system.socket(family, raw | nonBlocking | closeOnExec, protocol);
  if (descriptor < 0) throw systemError('cannot open a netlink socket', system);
  const option = (level: number, name: number, value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    // Older kernels lack some of them, and say or filter a little less.
    system.setsockopt(descriptor, level, name, bytes, bytes.length);
  };
  option(socketLevel, forceReceiveBuffer, receiveBuffer);
  for (const name of [shortAcknowledgements, extendedAcknowledgements, strictChecks])
    option(netlinkLevel, name, 1);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(family);
  address.writeUInt32LE(groups, 8);
  const kernel = Buffer.alloc(12);
  kernel.writeUInt16LE(family);
  if (system.bind(descriptor, address, address.length) < 0) {
    const error = systemError('cannot bind a netlink socket', system);
    system.close(descriptor);
    throw error;
  }
  const own = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(own.length);
  system.getsockname(descriptor, own, length);
  const output = Buffer.alloc(room);
  const input = Buffer.alloc(room);
  let sequence = 0;

  function send(bytes: number): void {
    if (system.sendto(descriptor, output, bytes, 0, kernel, kernel.length) < 0)
      throw systemError('cannot ask the kernel by netlink', system);
  }

  /** The messages of the next datagram, their bodies copied. The kernel has answered before `send` returned. */
  function receive(): Message[] {
    const received = system.recv(descriptor, input, input.length, dontWait);
    if (received < 0) throw systemError('no answer from netlink', system);
    return readMessages(Buffer.from(input.subarray(0, received)));
  }

  function dumpOnce(request: Request): { readonly messages: Message[]; readonly whole: boolean } {
    sequence += 1;
    send(writeRequest(output, 0, { ...request, flags: requestFlag | dumpFlags }, sequence));
    const messages: Message[] = [];
    let whole = true;
    for (;;) {
      for (const message of receive()) {
        if (message.sequence !== sequence) continue;
        if ((message.flags & interrupted) !== 0) whole = false;
        if (message.type === doneMessage) return { messages, whole };
        if (message.type === errorMessage) throw new Error(`netlink: ${reasonIn(message)}`);
        messages.push(message);
      }
    }
  }

  return {
    port: own.readUInt32LE(4),
    dump(request) {
      for (let attempt = 1; ; attempt += 1) {
        const { messages, whole } = dumpOnce(request);
        if (whole || attempt === mostDumps) return messages;
      }
    },
    ask(requests) {
      const answers: (Message | null)[] = [];
      for (let begin = 0; begin < requests.length; begin += mostQuestions) {
        const batch = requests.slice(begin, begin + mostQuestions);
        const first = sequence + 1;
        let bytes = 0;
        for (const request of batch) {
          sequence += 1;
          bytes = writeRequest(output, bytes, { ...request, flags: requestFlag }, sequence);
        }
        send(bytes);
        // Each gets exactly one message: what was asked for, or why not.
        const found = new Map<number, Message>();
        while (found.size < batch.length)
          for (const message of receive())
            if (message.sequence >= first) found.set(message.sequence, message);
        batch.forEach((_, index) => {
          const message = found.get(first + index);
          answers.push(message === undefined || message.type === errorMessage ? null : message);
        });
      }
      return answers;
    },
    change(requests) {
      const refused: Refused[] = [];
      for (let begin = 0; begin < requests.length; ) {
        let end = begin;
        for (let bytes = 0; end < requests.length && end - begin < mostRequests; end += 1) {
          const request = requests[end];
          bytes += request === undefined ? 0 : requestLength(request);
          if (bytes > room) break;
        }
        if (end === begin) throw new Error('a netlink request is too long');
        const batch = requests.slice(begin, end);
        const first = sequence + 1;
        let bytes = 0;
        batch.forEach((request, index) => {
          sequence += 1;
          // A refusal is told unasked; that the last one was done tells that all were.
          const flags = request.flags | requestFlag | (index === batch.length - 1 ? acknowledge : 0);
          bytes = writeRequest(output, bytes, { ...request, flags }, sequence);
        });
        send(bytes);
        for (let answered = false; !answered; )
          for (const message of receive()) {
            if (message.type !== errorMessage || message.sequence < first || message.sequence > sequence)
              continue;
            const errno = errnoIn(message);
            if (errno !== 0)
              refused.push({ index: begin + message.sequence - first, errno, reason: reasonIn(message) });
            answered ||= message.sequence === sequence;
          }
        begin = end;
      }
      return refused;
    },
    take() {
      const messages: Message[] = [];
      for (;;) {
        const received = system.recv(descriptor, input, input.length, dontWait);
        if (received < 0) return system.errno() === noBuffers ? null : messages;
        messages.push(...readMessages(Buffer.from(input.subarray(0, received))));
      }
    },
    close: () => void system.close(descriptor),
  };
}

/** The error's number; 0 says that all is well. */
const errnoIn = ({ body }: Message): number => (body.length < 4 ? 0 : -body.readInt32LE());

/** What an error message says: the kernel's own words when it has some. */
function reasonIn(message: Message): string {
  const { body, flags } = message;
  const errno = errnoIn(message);
  // The request's header follows the number; with capped acknowledgements nothing else of it.
  const told =
    (flags & hasAttributes) === 0
      ? null
      : textOf(readAttributes(body, 4 + headerLength).get(reasonAttribute));
  return told?.replace(/\.$/, '') || words.get(errno) || `error ${errno}`;
}

let shared: Promise<Netlink> | null = null;

/** The process's socket for links, addresses, routes and neighbours (rtnetlink(7)). */
export function routeNetlink(): Promise<Netlink> {
  shared ??= loadSystem().then((system) => openNetlink(system, 0));
  return shared;
}
