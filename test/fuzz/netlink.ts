import type { System } from '../../agent/kernel/native.ts';
import {
  addressOf,
  ipv4Bytes,
  macText,
  numberOf,
  type Request,
  readAttributes,
  readMessages,
  requestLength,
  text,
  textOf,
  u32,
  writeRequest,
} from '../../agent/kernel/netlink/message.ts';
import { openNetlink } from '../../agent/kernel/netlink/socket.ts';
import { mutateBytes } from './mutate.ts';
import type { Random } from './random.ts';
import { unusedSystem } from './system.ts';
import { hold, type Target } from './target.ts';

/* What comes from the kernel, which is trusted to be well-meant but not to be what we know: a later one says more. */

const types = [2, 3, 16, 20, 24, 28] as const;

function requestOf(random: Random): Request {
  const values = [
    u32(random.word()),
    ipv4Bytes(random.word()),
    text('eth0'),
    Buffer.from(random.bytes(random.below(24))),
  ];
  return {
    type: random.pick(types),
    flags: random.below(0x400),
    fixed: Buffer.from(random.bytes(4 * random.below(5))),
    attributes: values.slice(random.below(5)).map((value) => [random.below(40), value] as const),
  };
}

/** Some messages in one datagram, as the kernel writes them. */
function datagramOf(random: Random, firstSequence: number): Uint8Array {
  const requests = Array.from({ length: random.below(5) }, () => requestOf(random));
  const bytes = Buffer.alloc(requests.reduce((sum, request) => sum + requestLength(request), 0));
  let at = 0;
  for (const request of requests)
    at = writeRequest(
      bytes,
      at,
      request,
      random.chance(0.8) ? firstSequence + random.below(4) : random.word(),
    );
  return random.chance(0.3) ? bytes : mutateBytes(random, bytes);
}

function readAll(bytes: Buffer, depth: number): void {
  for (const value of readAttributes(bytes, depth === 0 ? 12 : 0).values()) {
    hold(value.length <= bytes.length, 'an attribute lies in its message');
    numberOf(value);
    addressOf(value);
    hold((textOf(value) ?? '').length <= value.length, 'text is no longer than its bytes');
    if (depth < 3) readAll(value, depth + 1);
  }
}

const messages: Target = {
  name: 'netlink-message',
  feed(random) {
    const bytes = Buffer.from(datagramOf(random, 1));
    let total = 0;
    for (const { body } of readMessages(bytes)) {
      total += 16 + body.length;
      readAll(body, 0);
      macText(body.subarray(0, 6));
    }
    hold(total <= bytes.length, 'messages do not overlap');
  },
};

/** A kernel that answers with what it is given, and then has nothing more to say. */
function kernelOf(answers: Uint8Array[]): System {
  return {
    ...unusedSystem(),
    socket: () => 3,
    bind: () => 0,
    setsockopt: () => 0,
    getsockname: () => 0,
    close: () => 0,
    sendto: (_descriptor, _buffer, length) => length,
    recv(_descriptor, buffer, length) {
      const answer = answers.shift();
      if (answer === undefined) return -1;
      const part = answer.subarray(0, length);
      buffer.set(part);
      return part.length;
    },
    errno: () => 11,
  };
}

const socket: Target = {
  name: 'netlink-socket',
  feed(random) {
    const answers = Array.from({ length: random.below(6) }, () => datagramOf(random, 1));
    const netlink = netlinkOf(answers);
    const requests = Array.from({ length: random.between(1, 4) }, () => requestOf(random));
    const way = random.below(4);
    try {
      if (way === 0) hold(netlink.ask(requests).length === requests.length, 'an answer to each question');
      else if (way === 1) netlink.dump(requests[0] ?? requestOf(random));
      else if (way === 2)
        for (const { index, reason } of netlink.change(requests))
          hold(index >= 0 && index < requests.length && reason !== '', 'a refusal is of one of the changes');
      else netlink.take();
    } catch (error) {
      // Silence, or the kernel's own error.
      hold(
        error instanceof Error && /^(no answer from )?netlink/.test(error.message),
        `it threw ${String(error)}`,
      );
    }
  },
};

let current: Uint8Array[] = [];
let opened: ReturnType<typeof openNetlink> | null = null;
let uses = 0;

/** The buffers of a socket are large, so one is used many times; its sequence numbers begin anew often enough to be met. */
function netlinkOf(answers: Uint8Array[]): ReturnType<typeof openNetlink> {
  current.length = 0;
  if (opened === null || uses % 64 === 0) {
    current = [];
    opened = openNetlink(kernelOf(current), 0);
  }
  uses += 1;
  current.push(...answers);
  return opened;
}

export const netlinkTargets: readonly Target[] = [messages, socket];
