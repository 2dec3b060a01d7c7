import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LabEvent } from '../../contract/event.ts';
import type { HistoryEntry } from '../../contract/history.ts';
import { type LiveEvent, type LiveHost, liveEvent, type Sample } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import { createRouter, installation } from '../../main/create-router.ts';
import { labStorage } from '../../main/host/sandbox/paths.ts';
import { labIdentifier } from '../../main/lab/state.ts';
import { ownState, root, run } from '../support/flatland.ts';

const state = ownState();
process.env['XDG_STATE_HOME'] = state.directory;
const failures: unknown[] = [];
const onFailure = (thrown: unknown) => failures.push(thrown);
const router = createRouter(onFailure, installation(onFailure, join(root, 'out')));
const lab = 'watched';

/** What somebody who watches the lab has seen. */
function watcher() {
  const stop = new AbortController();
  const hosts = new Map<string, LiveHost>();
  const seen = {
    hosts,
    samples: [] as Sample[],
    history: [] as HistoryEntry[],
    probes: [] as ProbeResult[],
    types: [] as LiveEvent['type'][],
  };
  const ended = router.watch(
    { lab },
    (event) => {
      // What crosses the border has the form that the contract says.
      liveEvent.parse(event);
      seen.types.push(event.type);
      if (event.type === 'hosts') for (const host of event.hosts) hosts.set(host.name, host);
      if (event.type === 'hosts-removed') for (const name of event.names) hosts.delete(name);
      if (event.type === 'samples') seen.samples.push(...event.samples);
      if (event.type === 'history') seen.history.push(...event.entries);
      if (event.type === 'probes') seen.probes.push(...event.results);
    },
    stop.signal,
  );
  return { ...seen, ended, stop: () => stop.abort() };
}

let watched: ReturnType<typeof watcher>;
const host = (name: string) => watched.hosts.get(name);
const titles = () => watched.history.map(({ title }) => title);
const eventually = (check: () => void, seconds = 40) =>
  vi.waitFor(check, { timeout: seconds * 1000, interval: 100 });

/** Long work of the router; resolves to how it ended. */
async function outcomeOf(work: (sink: (event: LabEvent) => void) => Promise<void>): Promise<string> {
  let outcome = 'nothing';
  await work((event) => {
    if (event.type === 'finished') outcome = `${event.outcome} ${event.error?.message ?? ''}`.trim();
  });
  return outcome;
}
const never = new AbortController().signal;

beforeAll(async () => {
  const up = await run(state.directory, ['up', '--hosts', '3', '--name', lab, '--json']);
  expect(up.code, up.stdout.slice(-1500)).toBe(0);
  watched = watcher();
}, 120_000);

afterAll(async () => {
  watched.stop();
  await watched.ended;
  await router.close();
  await state.remove();
}, 60_000);

describe('a lab that is watched', () => {
  it('is told of as it is, its past first', async () => {
    await eventually(() => {
      expect([...watched.hosts.values()].map(({ reach }) => reach.kind)).toEqual(Array(3).fill('connected'));
      expect(watched.hosts.size).toBe(3);
    });
    expect(watched.types[0]).toBe('lab');
    expect(titles()).toContain('Bringing the lab up');
    expect(titles()).toContain('The lab is up');
    expect(titles()).toContain('Boot on h3');
    expect(watched.probes).toHaveLength((6 * 5 + 3 * 6) * 4);
    const live = host('h1');
    expect(live?.status.services).toEqual({ etcd: 'running', agent: 'running', docker: 'running' });
    expect(live?.status.agent?.subnet).toMatch(/^10\..*\/24$/);
    expect(live?.status.docker?.mtu).toBe(1450);
    expect(live?.status.pods.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'h1-a running',
      'h1-b running',
    ]);
    expect(live?.links.map(({ role, name, mtu }) => `${role} ${name} ${mtu}`)).toEqual([
      'overlay flannel.1 1450',
      'bridge docker0 1450',
      'underlay eth0 1500',
    ]);
    await eventually(() => {
      const members = [...watched.hosts.values()].map(({ etcd }) => etcd);
      expect(members.filter((member) => member?.leader === true)).toHaveLength(1);
      expect(members.every((member) => member !== null && member.term > 0)).toBe(true);
    });
  });

  it('tells of its load as it goes', async () => {
    await eventually(() => {
      const sample = watched.samples.findLast(({ host: name }) => name === 'h2');
      expect(sample?.cpu).toBeGreaterThan(0);
      expect(sample?.memoryBytes).toBeGreaterThan(1_000_000);
      expect(sample?.underlay?.sentBytes).toBeGreaterThan(0);
      expect(sample?.overlay).not.toBeNull();
    });
    const ages = [...watched.hosts.values()].map(({ status }) => Date.now() - Date.parse(status.at));
    expect(Math.max(...ages)).toBeLessThan(15_000);
  });

  it('tells of what others do in it', async () => {
    const before = watched.probes.length;
    expect((await run(state.directory, ['probe', lab, '--json'])).code).toBe(0);
    expect((await run(state.directory, ['exec', 'h1', '--', 'docker', 'rm', '-f', 'h1-b'])).code).toBe(0);
    await eventually(() => {
      expect(watched.probes.length).toBe(before + (6 * 5 + 3 * 6) * 4);
      expect(titles()).toContain('All probes are green');
      expect(titles()).toContain('h1: docker rm …');
      expect(titles()).toContain('h1-b stopped');
      expect(host('h1')?.status.pods.find(({ name }) => name === 'h1-b')?.state).toBe('missing');
    });
    expect((await run(state.directory, ['probe', lab, '--json'])).code).toBe(5);
    await eventually(() => {
      expect(titles().some((title) => /^h2-a → h1-b: .*red$/.test(title))).toBe(true);
    });
  });

  it('shows a host whose power failed as lost, with what was known of it, and brings it back', async () => {
    const before = host('h3');
    expect(await outcomeOf((sink) => router.stopHost({ lab, host: 'h3' }, sink, never))).toBe('done');
    await eventually(() => {
      const live = host('h3');
      expect(live?.reach).toMatchObject({ kind: 'reconnecting', attempt: expect.any(Number) });
      expect(live?.status.reach).toBe('lost');
      expect(live?.status.agent?.subnet).toBe(before?.status.agent?.subnet);
      expect(titles()).toContain('h3 does not answer');
      expect(titles()).toContain('The host is off');
    });
    const known = host('h3')?.status.at;
    await eventually(() => {
      const live = host('h3');
      expect(live?.reach.kind === 'reconnecting' && live.reach.attempt > 1).toBe(true);
    });
    expect(host('h3')?.status.at).toBe(known);

    expect(await outcomeOf((sink) => router.repair({ lab }, sink, never))).toBe('done');
    await eventually(() => {
      const live = host('h3');
      expect(live?.reach.kind).toBe('connected');
      expect(live?.etcd?.term).toBeGreaterThan(0);
      expect(live?.bootedAt).not.toBe(before?.bootedAt);
      expect(live?.status.agent?.subnet).toBe(before?.status.agent?.subnet);
      expect(titles()).toContain('h3 answers again');
      expect(titles()).toContain('h3 was booted');
      expect(titles().some((title) => /^h2-a → h1-b: .*green again$/.test(title))).toBe(true);
    });
    const rates = watched.samples.flatMap(({ cpu, underlay }) => [cpu, ...Object.values(underlay ?? {})]);
    expect(rates.every((rate) => rate === null || rate >= 0)).toBe(true);
  }, 180_000);

  it('takes a host that is frozen for lost, until it goes on', async () => {
    const groups = freezer(labIdentifier(lab), 'h2');
    groups.freeze(true);
    try {
      await eventually(() => expect(host('h2')?.reach.kind).toBe('reconnecting'));
      expect(host('h2')?.status).toMatchObject({ reach: 'lost', error: expect.any(String) });
    } finally {
      groups.freeze(false);
    }
    await eventually(() => expect(host('h2')?.reach.kind).toBe('connected'));
  });

  it('is told of once by two who watch it, and is gone when it is gone', async () => {
    const second = watcher();
    await eventually(() => expect(second.hosts.size).toBe(3));
    await run(state.directory, ['exec', 'h1', '--', 'docker', 'rm', '-f', 'h1-a']);
    await eventually(() => {
      for (const each of [watched, second])
        expect(each.history.filter(({ title }) => title === 'h1-a stopped')).toHaveLength(1);
    });
    expect((await run(state.directory, ['down', lab, '--json'])).code).toBe(0);
    await Promise.all([watched.ended, second.ended]);
    expect(watched.types.at(-1)).toBe('gone');
    expect(failures).toEqual([]);
    // Neither the history that was written meanwhile nor what the host stored is left.
    expect(existsSync(join(state.directory, 'flatland', 'labs'))).toBe(false);
    expect(existsSync(labStorage(labIdentifier(lab)))).toBe(false);
  });
});

/** Stops every process of a host where it stands, or lets it go on (cgroups(7), freezer). */
function freezer(id: string, name: string) {
  const machine = `flatland-${id}-${name}`;
  const version2 = `/sys/fs/cgroup/${machine}/cgroup.freeze`;
  const version1 = `/sys/fs/cgroup/freezer/${machine}/freezer.state`;
  const isVersion2 = readdirSync('/sys/fs/cgroup').includes('cgroup.controllers');
  return {
    freeze(on: boolean) {
      if (isVersion2) writeFileSync(version2, on ? '1' : '0');
      else writeFileSync(version1, on ? 'FROZEN' : 'THAWED');
      expect(readFileSync(isVersion2 ? version2 : version1, 'utf8').length).toBeGreaterThan(0);
    },
  };
}
