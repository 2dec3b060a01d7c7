import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, ownState, run, start } from '../support/flatland.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';

const state = ownState();
const clean = takeSnapshot(state.directory);
const file = join(state.directory, 'lab.yaml');

interface Wish {
  readonly hosts: readonly string[];
  readonly pods: readonly string[];
  readonly backend?: string;
  readonly mtu?: number;
}

const write = ({ hosts, pods, backend = 'vxlan', mtu = 1500 }: Wish) =>
  writeFileSync(
    file,
    [
      'name: changing',
      `network: { backend: ${backend} }`,
      `underlay: { mtu: ${mtu} }`,
      `hosts: [${hosts.map((name) => `{ name: ${name} }`).join(', ')}]`,
      `pods: [${pods.map((pod) => `{ name: ${pod}, host: ${pod.split('-')[0]} }`).join(', ')}]`,
    ].join('\n'),
  );

async function up(wish: Wish) {
  write(wish);
  const finished = await run(state.directory, ['up', file, '--json']);
  expect(finished.code, finished.stdout.slice(-2000) + finished.stderr).toBe(0);
  const events = eventsOf(finished);
  const changed = events.flatMap((event) =>
    event.type === 'step-done' && event.outcome === 'changed' ? [event.step] : [],
  );
  const proof = events.flatMap((event) => (event.type === 'finished' ? [event.proof] : []))[0];
  return { changed, proof };
}

const containers = async (host: string) => {
  const { stdout } = await run(state.directory, ['exec', host, '--', 'docker', 'ps', '-q', '--no-trunc']);
  return stdout.trim().split('\n').sort();
};

describe('up on a changed file', () => {
  const hosts = ['h1', 'h2', 'h3'];
  const pods = ['h1-a', 'h2-a', 'h3-a'];

  beforeAll(async () => {
    await up({ hosts, pods });
  });
  afterAll(async () => {
    const down = await run(state.directory, ['down', '--json']);
    expect(down.code).toBe(0);
    expect(changesSince(clean, state.directory)).toEqual([]);
    await state.remove();
  });

  it('changes nothing when nothing differs', async () => {
    const { changed } = await up({ hosts, pods });
    expect(changed).toEqual(['proof']);
  });

  it('adds a pod and touches no other', async () => {
    const before = await containers('h1');
    const { changed, proof } = await up({ hosts, pods: [...pods, 'h2-b'] });
    expect(changed).toEqual(['pod:h2-b', 'proof']);
    expect(await containers('h1')).toEqual(before);
    expect(proof?.pairs).toBe(4 * 3 + 3 * 4);
  });

  it('removes a pod', async () => {
    const { changed, proof } = await up({ hosts, pods });
    expect(changed).toEqual(['remove-pods:h2', 'proof']);
    expect(proof?.pairs).toBe(3 * 2 + 3 * 3);
  });

  it('adds a host, then removes it, while the others stay', async () => {
    const before = await containers('h2');
    const grown = await up({ hosts: [...hosts, 'h4'], pods: [...pods, 'h4-a'] });
    expect(grown.changed).toContain('boot:h4');
    expect(grown.changed.filter((step) => /:h[123]/.test(step) && !step.startsWith('place'))).toEqual([]);
    const shrunk = await up({ hosts, pods });
    expect(shrunk.changed).toContain('remove-host:h4');
    expect(shrunk.proof?.pairs).toBe(3 * 2 + 3 * 3);
    expect(await containers('h2')).toEqual(before);
  });

  it('removes a host that is a member of etcd, and another takes its place', async () => {
    const { changed, proof } = await up({ hosts: ['h1', 'h2', 'h5'], pods: ['h1-a', 'h2-a', 'h5-a'] });
    expect(changed).toEqual(expect.arrayContaining(['etcd-leave', 'remove-host:h3', 'etcd:h5', 'proof']));
    expect(proof?.greenPairs).toBe(proof?.pairs);
    const members = await run(state.directory, ['status', '--json']);
    expect(members.stdout).toContain('"members":["h1","h2","h5"]');
  });

  it.each(['host-gw', 'udp', 'vxlan'])('changes the backend to %s', async (backend) => {
    const { changed, proof } = await up({
      hosts: ['h1', 'h2', 'h5'],
      pods: ['h1-a', 'h2-a', 'h5-a'],
      backend,
    });
    expect(changed).toContain('network');
    expect(changed).toContain('agent:h1');
    expect(proof?.mtu).toBe({ 'host-gw': 1500, udp: 1472, vxlan: 1450 }[backend]);
    const links = await run(state.directory, ['exec', 'h1', '--', 'ls', '/sys/class/net']);
    expect(links.stdout.includes('flannel.1')).toBe(backend === 'vxlan');
    expect(links.stdout.includes('flannel0')).toBe(backend === 'udp');
  });

  it('goes on after kill -9 in the middle of a change of the backend', async () => {
    const wish = { hosts: ['h1', 'h2', 'h5'], pods: ['h1-a', 'h2-a', 'h5-a'], backend: 'host-gw' };
    write(wish);
    const running = start(state.directory, ['up', file, '--json']);
    await running.when((event) => event.type === 'step-done' && event.step === 'network');
    running.child.kill('SIGKILL');
    await running.finished;
    const { proof } = await up(wish);
    expect(proof?.mtu).toBe(1500);
    const links = await run(state.directory, ['exec', 'h1', '--', 'ls', '/sys/class/net']);
    expect(links.stdout).not.toContain('flannel.1');
  });

  it('rebuilds the hosts for another underlay MTU, and says so', async () => {
    const { changed, proof } = await up({ hosts, pods, mtu: 9000 });
    expect(changed).toContain('boot:h1');
    expect(proof?.mtu).toBe(8950);
  });
});
