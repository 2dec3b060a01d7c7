import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { LiveLab } from '../../../contract/live.ts';
import type { Task } from '../../../contract/task.ts';
import {
  cellsOf,
  hostAt,
  makeLab,
  measure,
  openLab,
  pastOf,
  sampleAt,
} from '../../../test/support/synthetic-lab.ts';
import { newTask } from '../task-state.ts';
import { html } from './html.ts';
import { labReport } from './report.ts';
import { verdictOf } from './verdict.ts';

vi.setConfig({ testTimeout: 30_000 });

const now = Date.parse('2026-11-25T12:00:00.000Z');
const hostile = `<img src=x onerror="alert(1)">'&amp;`;

function liveOf(hosts: number, podsPerHost = 1): LiveLab {
  const size = { name: 'demo', hosts, podsPerHost, backend: 'vxlan', seed: 1, network: 42 } as const;
  const made = openLab(makeLab(size), 1, '2026-11-25T10:00:00.000Z');
  return {
    lab: made.lab,
    state: 'up',
    createdAt: made.createdAt,
    hosts: made.lab.hosts.map(({ name }) => hostAt(made, name, now)),
    samples: made.lab.hosts.flatMap(({ name }) =>
      Array.from({ length: 30 }, (_, index) => sampleAt(made, name, now - index * 2000)),
    ),
    probes: cellsOf(made).map((cell) => measure(made, cell, now - 1000)),
    history: pastOf(made, 40, now),
  };
}

const report = (live: LiveLab, tasks: readonly Task[] = []) =>
  labReport({ live, tasks, version: '1.2.3', at: new Date(now) });

const tags = (text: string) => [...text.matchAll(/<([a-z!/][^\s>]*)/gi)].map(([, tag]) => tag);

describe('the report of a lab', () => {
  const live = liveOf(3);

  it('begins with the verdict and has every part', () => {
    const text = report(live, [
      newTask(
        { id: 't', lab: 'demo', kind: 'up', title: 'Bring up demo', cancellable: true },
        live.createdAt,
      ),
    ]);
    expect(text).toContain('<h1>15 of 15 pairs reach each other</h1>');
    for (const title of ['Topology', 'Reachability', 'Hosts', 'Leases', 'Pods', 'Tasks', 'History'])
      expect(text).toContain(`<h2>${title}`);
    expect(text).toContain('10.42.1.0/24');
    expect(text).toContain('Bring up demo');
    expect(text).not.toContain('What is red');
  });

  it('fetches nothing and runs nothing', () => {
    const text = report(live);
    expect(tags(text)).not.toContain('script');
    expect(text).not.toMatch(/\b(src|href)=|url\(|@import|\son[a-z]+=/i);
    expect(text).toContain("default-src 'none'");
  });

  it('closes every tag that it opens', () => {
    const alone = new Set(['!doctype', 'meta', 'br']);
    const open: string[] = [];
    for (const [, closing, name = '', rest = ''] of report(live).matchAll(
      /<(\/?)([a-z!][a-z0-9]*)([^>]*)>/gi,
    )) {
      if (alone.has(name) || rest.endsWith('/')) continue;
      if (closing === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  it('shows as text what hosts, pods and errors say', () => {
    const [first] = live.hosts;
    const [pod] = first?.status.pods ?? [];
    const [result] = live.probes;
    const [entry] = live.history;
    if (first === undefined || pod === undefined || result === undefined || entry === undefined)
      throw new Error();
    const nasty: LiveLab = {
      ...live,
      hosts: [
        {
          ...first,
          name: hostile,
          kernel: hostile,
          reach: { kind: 'reconnecting', attempt: 1, nextTryAt: live.createdAt, reason: hostile },
          status: {
            ...first.status,
            error: hostile,
            pods: [
              { ...pod, name: hostile, image: hostile, command: [hostile], labels: { [hostile]: hostile } },
            ],
          },
          links: first.links.map((link) => ({ ...link, name: hostile, addresses: [hostile] })),
        },
      ],
      probes: [
        { ...result, ok: false, seen: hostile, expected: hostile, from: { ...result.from, name: hostile } },
      ],
      history: [{ ...entry, title: hostile, detail: hostile }],
    };
    const task = newTask(
      { id: 't', lab: 'demo', kind: 'up', title: hostile, cancellable: true },
      live.createdAt,
    );
    const text = labReport({ live: nasty, tasks: [task], version: hostile, at: new Date(now) });
    expect(text).not.toContain('<img');
    expect(tags(text)).not.toContain('img');
    expect(text.split('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;amp;').length).toBeGreaterThan(
      12,
    );
  });

  it('says what is red, and where', () => {
    const red: LiveLab = {
      ...live,
      probes: live.probes.map((result, index) =>
        index === 1 ? { ...result, ok: false, seen: '1400 bytes', milliseconds: null } : result,
      ),
    };
    const text = report(red);
    expect(verdictOf(red)).toMatchObject({
      health: 'bad',
      sentence: '1 of 15 pairs fail: web-1 → web-2, wrong MTU',
    });
    expect(text).toContain('<h1>1 of 15 pairs fail: web-1 → web-2, wrong MTU</h1>');
    expect(text).toContain('1400 bytes');
    expect(text).toContain('What is red');
  });

  it('says which host is lost, and what it does not know', () => {
    const lost = live.hosts.map((host, index) =>
      index === 0
        ? {
            ...host,
            reach: {
              kind: 'reconnecting',
              attempt: 2,
              nextTryAt: live.createdAt,
              reason: 'no route',
            } as const,
          }
        : host,
    );
    expect(verdictOf({ ...live, hosts: lost }).sentence).toBe('1 host lost: h1');
    // What is known of it is old, so it is not green.
    expect(report({ ...live, hosts: lost })).toContain('<span class="word stale">was running</span>');
    expect(report(live)).not.toContain('was running');
    expect(verdictOf({ ...live, probes: [] }).health).toBe('stale');
    expect(verdictOf({ ...live, state: 'half-built' }).health).toBe('warning');
    expect(report({ ...live, hosts: [], samples: [], probes: [], history: [] })).toContain(
      'not been measured',
    );
  });

  it('stays a page for a lab of many hosts', () => {
    const many = report(liveOf(60, 10));
    expect(many.length).toBeLessThan(2_500_000);
    expect(many).toContain('from one host to another');
    expect(many).not.toContain('<h2>Topology');
  });
});

describe('html', () => {
  it('never lets text become markup', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(html`<b title="${text}">${text}</b>`.html.match(/[<>"]/g)).toHaveLength(6);
      }),
    );
  });
});
