import { z } from 'zod';
import { loadSystem, type System } from '../../agent/kernel/native.ts';
import { mutateBytes } from './mutate.ts';
import { buildPacket, wishOf } from './packets.ts';
import { createRandom, type Random } from './random.ts';

/*
 * Sends what is fuzzed to a real agent, from within a namespace: datagrams from an address to its port, or packets into
 * its device by way of a packet socket. It prints how many the kernel has taken.
 */

const wish = z.object({
  count: z.int(),
  seed: z.int(),
  /** An unsigned 32-bit number for datagrams: the address that they come from and the agent's. */
  from: z.int(),
  to: z.int(),
  /** For packets: the index of the device. */
  device: z.int().nullable(),
});

/* socket(7), packet(7), ip(7) */
const packetFamily = 17;
const internet = 2;
const datagram = 2;
const ipv4Protocol = 0x0800;
const port = 8285;
/** So many are sent without a rest, which the receiver's queue holds. */
const burst = 200;

function socketAddress(address: number, number: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, internet, true);
  view.setUint16(2, number);
  view.setUint32(4, address);
  return bytes;
}

function linkAddress(device: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, packetFamily, true);
  view.setUint16(2, ipv4Protocol);
  view.setInt32(4, device, true);
  return bytes;
}

const pods = [0x0a050102, 0x0a050202, 0x0a050209, 0x0a050302, 0x0a050902] as const;

function inputOf(random: Random): Uint8Array {
  if (random.chance(0.1)) return random.bytes(random.between(1, 200));
  const flow = { source: random.pick(pods), destination: random.pick(pods) };
  const bits = random.pick([0x10, 0x18, 0x02, 0x04, 0x11]);
  const packet = buildPacket(
    random,
    wishOf(random, flow),
    random.below(random.chance(0.1) ? 1400 : 100),
    random.word(),
    random.word(),
    bits,
  );
  const bytes = random.chance(0.3) ? packet : mutateBytes(random, packet);
  return bytes.length === 0 ? packet : bytes;
}

function openSender(
  system: System,
  { device, from, to }: z.output<typeof wish>,
): (bytes: Uint8Array) => boolean {
  const [descriptor, target] =
    device === null
      ? [system.socket(internet, datagram, 0), socketAddress(to, port)]
      : [system.socket(packetFamily, datagram, 0), linkAddress(device)];
  if (descriptor < 0) throw new Error('no socket');
  const own = socketAddress(from, 0);
  if (device === null && system.bind(descriptor, own, own.length) < 0) throw new Error('no such address');
  return (bytes) => system.sendto(descriptor, bytes, bytes.length, 0, target, target.length) === bytes.length;
}

async function main(): Promise<void> {
  const given = wish.parse(JSON.parse(process.argv[2] ?? ''));
  const system = await loadSystem();
  const send = openSender(system, given);
  const random = createRandom();
  const nothing = new Uint8Array(8);
  let taken = 0;
  for (let input = 0; input < given.count; input += 1) {
    random.restart(given.seed, input);
    if (send(inputOf(random))) taken += 1;
    if (input % burst === burst - 1) system.poll(nothing, 0, 1);
  }
  process.stdout.write(`${taken}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
