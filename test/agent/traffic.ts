import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/*
 * A pod of the tests: sends numbered packets to its peers and remembers which of theirs arrived. It runs as a process
 * in the pod's namespace; orders and answers are lines of JSON.
 */

const wish = z.object({ own: z.string(), peers: z.array(z.string()), packetsPerSecond: z.number() });
const order = z.discriminatedUnion('do', [
  z.object({ do: z.literal('send') }),
  z.object({ do: z.literal('stop') }),
  z.object({
    do: z.literal('report'),
    expected: z.record(z.string(), z.object({ count: z.int(), lastAt: z.number() })),
  }),
]);

const port = 4000;
/** Number of the packet and when it was sent, in milliseconds of the machine's monotonic clock; then filling. */
const length = 100;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const tell = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

interface Run {
  readonly from: string;
  readonly packets: number;
  readonly at: number;
  readonly milliseconds: number;
}

/** The runs of lost packets: from the sending of the last one before to that of the first one after. */
function lostRuns(from: string, arrived: ReadonlyMap<number, number>, count: number, lastAt: number): Run[] {
  const runs: Run[] = [];
  let lastSeen: number | null = null;
  let packets = 0;
  const close = (until: number) => {
    // Before the first one that arrived, only the pace tells.
    const at = lastSeen ?? until - (packets * 1000) / packetsPerSecond;
    if (packets > 0) runs.push({ from, packets, at, milliseconds: until - at });
    packets = 0;
  };
  for (let number = 0; number < count; number += 1) {
    const sentAt = arrived.get(number);
    if (sentAt === undefined) packets += 1;
    else {
      close(sentAt);
      lastSeen = sentAt;
    }
  }
  close(lastAt);
  return runs;
}

const { own, peers, packetsPerSecond } = wish.parse(JSON.parse(process.argv[2] ?? ''));
const arrived = new Map<string, Map<number, number>>();
const sent = new Map(peers.map((peer) => [peer, 0]));
let beganAt = 0;
let lastAt = 0;
let timer: NodeJS.Timeout | null = null;

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
socket.on('message', (message, { address }) => {
  let one = arrived.get(address);
  if (one === undefined) {
    one = new Map();
    arrived.set(address, one);
  }
  one.set(message.readUInt32BE(0), message.readDoubleBE(4));
});
// While there is no route, a packet is lost as well.
socket.on('error', () => {});

function sendDue(): void {
  const due = Math.floor(((now() - beganAt) * packetsPerSecond) / 1000);
  for (const peer of peers) {
    for (let number = sent.get(peer) ?? 0; number < due; number += 1) {
      const packet = Buffer.alloc(length);
      packet.writeUInt32BE(number, 0);
      lastAt = now();
      packet.writeDoubleBE(lastAt, 4);
      socket.send(packet, port, peer, () => {});
      sent.set(peer, number + 1);
    }
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const asked = order.parse(JSON.parse(line));
  switch (asked.do) {
    case 'send':
      beganAt = now();
      timer = setInterval(sendDue, 2);
      tell({});
      break;
    case 'stop':
      if (timer !== null) clearInterval(timer);
      tell({
        beganAt,
        sent: Object.fromEntries([...sent].map(([peer, count]) => [peer, { count, lastAt }])),
      });
      break;
    case 'report':
      tell({
        losses: Object.entries(asked.expected).flatMap(([from, { count, lastAt: last }]) =>
          lostRuns(from, arrived.get(from) ?? new Map(), count, last),
        ),
      });
      break;
  }
});
socket.bind(port, own, () => tell({}));
