import { createInterface } from 'node:readline';
import { z } from 'zod';
import { removeLeftovers } from '../../kernel/cleanup.ts';
import { chooseInterface } from '../../kernel/interface.ts';
import { routeNetlink } from '../../kernel/netlink/socket.ts';
import { ensureRules } from '../../kernel/rules.ts';
import { watchKernel } from '../../kernel/watch.ts';
import type { Backend } from '../backend.ts';
import { createBackend } from '../create.ts';

/* A backend acts on its process's namespace, so a test runs this program in one and tells it line by line what to do. */

const cidr = z.object({ base: z.number(), length: z.number() });
const backend = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('vxlan'),
    vni: z.number(),
    port: z.number(),
    gbp: z.boolean(),
    learning: z.boolean(),
    directRouting: z.boolean(),
    mtu: z.number().nullable(),
  }),
  z.object({ type: z.literal('udp'), port: z.number() }),
  z.object({ type: z.literal('host-gw') }),
  z.object({ type: z.literal('alloc') }),
]);
const lease = z.object({
  subnet: cidr,
  publicIp: z.number(),
  backendType: z.string(),
  backendData: z.unknown().optional(),
});
const wish = z.object({
  iface: z.array(z.string()).default([]),
  ifaceRegex: z.array(z.string()).default([]),
  ifaceCanReach: z.string().nullable().default(null),
  publicIp: z.string().nullable().default(null),
});

const order = z.discriminatedUnion('do', [
  z.object({ do: z.literal('interface'), wish }),
  z.object({ do: z.literal('create'), config: backend, wish }),
  z.object({ do: z.literal('start'), network: cidr, own: cidr }),
  z.object({ do: z.literal('program'), peers: z.array(lease) }),
  z.object({
    do: z.literal('rules'),
    wish: z.object({ network: cidr, subnet: cidr, masquerade: z.boolean(), forward: z.boolean() }),
  }),
  z.object({ do: z.literal('cleanup') }),
  z.object({ do: z.literal('watch') }),
  z.object({ do: z.literal('news') }),
  z.object({ do: z.literal('counters') }),
  z.object({ do: z.literal('stop') }),
]);

let made: Backend | null = null;
let news = 0;
const current = (): Backend => {
  if (made === null) throw new Error('create comes first');
  return made;
};

async function obey(line: string): Promise<unknown> {
  const json: unknown = JSON.parse(line);
  const each = order.parse(json);
  switch (each.do) {
    case 'interface':
      return await chooseInterface(each.wish);
    case 'create':
      made = await createBackend(each.config, await chooseInterface(each.wish));
      return { attributes: made.attributes, mtu: made.mtu };
    case 'start':
      await current().start(each.network, each.own, []);
      return current().device();
    case 'program':
      return await current().program(
        each.peers.map((peer) => ({ backendData: null, ...peer })),
        AbortSignal.timeout(20_000),
      );
    case 'rules':
      return await ensureRules(each.wish);
    case 'cleanup':
      return await removeLeftovers();
    case 'watch':
      await watchKernel((await routeNetlink()).port, () => {
        news += 1;
      });
      return null;
    case 'news': {
      const since = news;
      news = 0;
      return since;
    }
    case 'counters':
      return current().traffic();
    case 'stop':
      return await current().stop();
  }
}

async function main(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    let answer: unknown;
    try {
      answer = { result: (await obey(line)) ?? null };
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

main().catch(() => process.exit(1));
