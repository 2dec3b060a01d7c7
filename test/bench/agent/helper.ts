import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/* What the benchmark runs inside its namespaces; each prints one line of JSON. Addresses are IPv4 text, times milliseconds. */

const prefix = '/coreos.com/network';
/** Of the receivers of all helpers. */
const helperPort = 9000;
const socketBuffer = 4_194_304;
const base64 = (value: string) => Buffer.from(value).toString('base64');
/** The same for every process of the machine (CLOCK_MONOTONIC). */
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

async function post(endpoint: string, path: string, body: object): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}${path}`, { method: 'POST', body: JSON.stringify(body) });
    await answer.text();
    return answer.ok;
  } catch {
    return false;
  }
}

const txn = (endpoint: string, entries: readonly (readonly [string, string])[]) =>
  post(endpoint, '/v3/kv/txn', {
    success: entries.map(([key, value]) => ({
      requestPut: { key: base64(`${prefix}/${key}`), value: base64(value) },
    })),
  });

/** Puts the entries that come on standard input; waits for etcd at most 20 s. */
async function put(endpoint: string): Promise<void> {
  const entries = z.array(z.tuple([z.string(), z.string()])).parse(JSON.parse(await text(process.stdin)));
  const deadline = performance.now() + 20_000;
  for (let at = 0; at < entries.length; at += 100)
    while (!(await txn(endpoint, entries.slice(at, at + 100)))) {
      if (performance.now() > deadline) throw new Error(`no etcd at ${endpoint} within 20 s`);
      await sleep(30);
    }
}

async function listen(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  // What can't be reached yet is what is measured.
  socket.on('error', () => {});
  socket.bind(port);
  await once(socket, 'listening');
  socket.setRecvBufferSize(socketBuffer);
  socket.setSendBufferSize(socketBuffer);
  return socket;
}

/** Counts the numbered datagrams that arrive until standard input ends, and the longest time without one. */
async function receive(): Promise<void> {
  const socket = await listen(helperPort);
  const seen = new Set<number>();
  let last = Number.NaN;
  let longest = 0;
  socket.on('message', (message) => {
    const now = monotonic();
    if (now - last > longest) longest = now - last;
    last = now;
    seen.add(message.readUInt32LE(0));
  });
  console.log('listening');
  process.stdin.resume();
  await once(process.stdin, 'end');
  console.log(JSON.stringify({ received: seen.size, longest }));
}

/** The most that is sent at once, in milliseconds of traffic: what a busy machine kept from being sent is left out. */
const longestBurst = 5;

/** Sends numbered datagrams of 100 bytes at a rate of `perMillisecond`, what is due at each tick in one burst. */
async function send(target: string, seconds: number, perMillisecond: number): Promise<void> {
  const socket = await listen(0);
  const start = monotonic();
  let began = start;
  let sent = 0;
  while (monotonic() - start < seconds * 1000) {
    const late = monotonic() - began - sent / perMillisecond - longestBurst;
    if (late > 0) began += late;
    const passed = monotonic() - began;
    for (const due = Math.floor(passed * perMillisecond); sent < due; sent += 1) {
      const message = Buffer.alloc(100);
      message.writeUInt32LE(sent);
      socket.send(message, helperPort, target, () => {});
    }
    await sleep(1);
  }
  await sleep(100);
  console.log(JSON.stringify({ sent }));
}

/** Answers each datagram with the number in it and the time of its arrival, to whoever sent it. */
async function answer(): Promise<void> {
  const socket = await listen(helperPort);
  socket.on('message', (message, { port, address }) => {
    const reply = Buffer.alloc(12);
    reply.writeUInt32LE(message.readUInt32LE(0));
    reply.writeDoubleLE(monotonic(), 4);
    socket.send(reply, port, address, () => {});
  });
  console.log('listening');
  process.stdin.resume();
  await once(process.stdin, 'end');
}

/**
 * Puts leases one after another and sends to an address of each once a millisecond until it arrives. Prints the times from
 * before the put to the arrival; null for what did not arrive in 10 s.
 */
async function lease(endpoint: string, value: string, first: number, count: number): Promise<void> {
  const socket = await listen(0);
  const arrivals = new Map<number, number>();
  socket.on('message', (message) => {
    const number = message.readUInt32LE(0);
    if (!arrivals.has(number)) arrivals.set(number, message.readDoubleLE(4));
  });
  const times: (number | null)[] = [];
  const send = (number: number) => {
    const message = Buffer.alloc(4);
    message.writeUInt32LE(number);
    socket.send(message, helperPort, `10.5.${number}.2`, () => {});
  };
  // The first connection to etcd is no part of it.
  await txn(endpoint, []);
  for (let number = first; number < first + count; number += 1) {
    const began = monotonic();
    const done = txn(endpoint, [[`subnets/10.5.${number}.0-24`, value]]);
    while (!arrivals.has(number) && monotonic() - began < 10_000) {
      send(number);
      await sleep(1);
    }
    const arrival = arrivals.get(number);
    times.push(arrival === undefined ? null : arrival - began);
    if (!(await done)) throw new Error(`etcd took no lease for 10.5.${number}.0/24`);
    await sleep(10 + (number % 7) * 5);
  }
  console.log(JSON.stringify(times));
}

/** Runs one helper by its name and arguments. */
export async function runHelper([name, ...args]: readonly string[]): Promise<void> {
  const [first = '', second = '', third = '', fourth = ''] = args;
  if (name === 'put') await put(first);
  else if (name === 'receive') await receive();
  else if (name === 'send') await send(first, Number(second), Number(third));
  else if (name === 'answer') await answer();
  else if (name === 'lease') await lease(first, second, Number(third), Number(fourth));
  else throw new Error(`no helper ${name}`);
}
