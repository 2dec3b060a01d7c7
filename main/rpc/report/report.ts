import type { HistoryEntry } from '../../../contract/history.ts';
import type { LiveHost, LiveLab, NetworkLink, Sample } from '../../../contract/live.ts';
import type { ProbeResult } from '../../../contract/probe.ts';
import type { Task } from '../../../contract/task.ts';
import { type Html, html } from './html.ts';
import { drawMatrix, kinds } from './matrix.ts';
import { drawTopology, drawTraffic } from './picture.ts';
import { style } from './style.ts';
import { formatMilliseconds, type Health, plural, type Verdict, verdictOf } from './verdict.ts';

const shownHistory = 250;
const shownRed = 20;
const shownPods = 1000;

/** A moment as anybody anywhere reads it the same. */
const moment = (at: string): Html =>
  html`<time datetime="${at}">${at.replace('T', ' ').replace(/(\.\d+)?Z$/, '')}</time>`;

const word = (health: Health | 'neutral', text: string): Html =>
  html`<span class="word ${health}">${text}</span>`;

const code = (text: string | null): Html =>
  text === null ? html`<small>none</small>` : html`<code>${text}</code>`;

const glyphs: Record<Health, string> = { good: '✓', warning: '!', bad: '✗', stale: '?' };

const section = (title: string, note: string, body: Html | null): Html =>
  body === null
    ? html``
    : html`<section><h2>${title}${note === '' ? null : html`<small>${note}</small>`}</h2>
${body}</section>
`;

/** A table with a heading for each column; null without rows. */
function table(columns: readonly string[], rows: readonly (readonly Html[])[]): Html | null {
  if (rows.length === 0) return null;
  return html`<div class="wide"><table><thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map(
    (cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

function numbers(live: LiveLab, { proof, expectedMtu, lostHosts }: Verdict): Html {
  const pods = live.hosts.flatMap(({ status }) => status.pods);
  const running = live.hosts
    .filter((host) => !isStale(host))
    .flatMap(({ status }) => status.pods)
    .filter(({ state }) => state === 'running').length;
  const entries: readonly (readonly [string, string, string])[] = [
    ['Green pairs', `${proof.greenPairs}`, `of ${proof.pairs}`],
    [
      'Round-trip time',
      proof.rttMilliseconds === null ? '–' : formatMilliseconds(proof.rttMilliseconds),
      'median',
    ],
    ['Overlay MTU', `${expectedMtu}`, proof.mtu === null ? 'expected' : 'as measured'],
    ['Hosts', `${live.lab.hosts.length - lostHosts.length}`, `of ${live.lab.hosts.length} answer`],
    ['Pods', `${running}`, `of ${pods.length} run`],
    ['Measurements', `${proof.greenCells}`, `of ${proof.cells} green`],
  ];
  return html`<dl class="numbers">${entries.map(
    ([name, number, note]) => html`<div><dt>${name}</dt><dd>${number} <small>${note}</small></dd></div>`,
  )}</dl>
`;
}

function reachOf({ reach }: LiveHost): Html {
  switch (reach.kind) {
    case 'connected':
      return word('good', 'connected');
    case 'connecting':
      return word('warning', 'connecting');
    case 'reconnecting':
      return html`${word('bad', 'lost')}<br><small>${reach.reason}</small>`;
  }
}

/** What was read of a host that is lost is no news of it: grey, whatever it was. */
const isStale = ({ reach }: LiveHost): boolean => reach.kind !== 'connected';

function serviceWord(name: string, state: string, stale: boolean): Html {
  const health: Health = stale
    ? 'stale'
    : state === 'running'
      ? 'good'
      : state === 'failed'
        ? 'bad'
        : state === 'starting'
          ? 'warning'
          : 'stale';
  return html`${word(health, name)} <small>${state === 'running' ? '' : state}</small>`;
}

const linkWords = ({ name, operationalState, mtu, addresses }: NetworkLink): Html =>
  html`<code>${name}</code> <small>${operationalState}, MTU ${mtu}${addresses[0] === undefined ? '' : `, ${addresses[0]}`}</small><br>`;

function hostRows(hosts: readonly LiveHost[], samples: readonly Sample[]): Html[][] {
  return hosts.map((host) => {
    const { name, status, links, etcd, kernel } = host;
    const stale = isStale(host);
    const own = samples.filter((sample) => sample.host === name);
    return [
      html`<strong>${name}</strong><br><small>${status.address}<br>${status.provider}${kernel === null ? '' : `, ${kernel}`}</small>`,
      reachOf(host),
      html`${serviceWord('agent', status.services.agent, stale)}<br>${serviceWord('Docker', status.services.docker, stale)}${
        status.etcdMember
          ? html`<br>${serviceWord(etcd?.leader === true ? 'etcd (leader)' : 'etcd', status.services.etcd, stale)}`
          : null
      }${status.error === null || host.reach.kind === 'reconnecting' ? null : html`<br><small>${status.error}</small>`}`,
      html`${links.map(linkWords)}`,
      html`${drawTraffic(own) ?? html`<small>none seen</small>`}`,
      moment(status.at),
    ];
  });
}

const leaseRows = (hosts: readonly LiveHost[]): Html[][] =>
  hosts.flatMap(({ name, status }) => {
    const { agent } = status;
    if (agent === null || agent.subnet === null) return [];
    return [
      [
        html`<strong>${name}</strong>`,
        code(agent.subnet),
        code(agent.publicIp),
        html`${agent.backend ?? ''}`,
        agent.lease === null ? html`` : moment(agent.lease.renewedAt),
        agent.lease === null
          ? html``
          : agent.lease.expiresAt === null
            ? html`never`
            : moment(agent.lease.expiresAt),
        html`${agent.repairs}`,
      ],
    ];
  });

const podHealth = { running: 'good', exited: 'warning', missing: 'bad', unknown: 'stale' } as const;

const podRows = (hosts: readonly LiveHost[]): Html[][] =>
  hosts
    .flatMap((host) => host.status.pods.map((pod) => ({ ...pod, stale: isStale(host) })))
    .slice(0, shownPods)
    .map((pod) => [
      html`<strong>${pod.name}</strong>`,
      html`${pod.host}`,
      pod.stale ? word('stale', `was ${pod.state}`) : word(podHealth[pod.state], pod.state),
      code(pod.address),
      html`<code>${pod.image}</code>${pod.command === null ? null : html`<br><small><code>${pod.command.join(' ')}</code></small>`}`,
      html`${pod.ports.join(', ')}`,
      html`<small>${Object.entries(pod.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ')}</small>`,
    ]);

/** What is red of one pair, as one row: the kinds that fail with the same words stand together. */
function redRows(red: readonly ProbeResult[]): Html[][] {
  const pairs = new Map<string, ProbeResult[]>();
  for (const result of red) {
    const key = `${result.from.kind} ${result.from.name} ${result.to.name}`;
    pairs.set(key, [...(pairs.get(key) ?? []), result]);
  }
  return [...pairs.values()].flatMap((results) => {
    const [first] = results;
    if (first === undefined) return [];
    const { from, to, at } = first;
    const words = [...new Set(results.map(({ seen }) => seen))].map((seen) => {
      const same = results.filter((result) => result.seen === seen);
      const expected = [...new Set(same.map((result) => result.expected))].filter(Boolean).join(', ');
      return html`${seen} <small>instead of ${expected}</small><br>`;
    });
    return [
      [
        html`<strong>${from.name} → ${to.name}</strong> <small>${from.host} → ${to.host}</small>`,
        word('bad', kinds.filter((kind) => results.some((result) => result.kind === kind)).join(', ')),
        html`${words}`,
        moment(at),
      ],
    ];
  });
}

const historyItem = ({ at, subject, level, title, detail }: HistoryEntry): Html =>
  html`<li>${moment(at)}<span class="lane">${subject}</span><span><span class="what ${level}">${title}</span>${
    detail === null ? null : html` <span class="detail">${detail}</span>`
  }</span></li>
`;

function history(entries: readonly HistoryEntry[]): Html | null {
  if (entries.length === 0) return null;
  return html`<ol class="history">${entries.slice(-shownHistory).toReversed().map(historyItem)}</ol>`;
}

const taskHealth = {
  running: 'warning',
  cancelling: 'warning',
  done: 'good',
  failed: 'bad',
  cancelled: 'stale',
} as const;

const taskRows = (tasks: readonly Task[]): Html[][] =>
  tasks.toReversed().map(({ title, state, startedAt, seconds, steps, error }) => {
    const done = steps.filter((step) => step.state === 'changed' || step.state === 'unchanged').length;
    return [
      html`<strong>${title}</strong>`,
      word(taskHealth[state], state),
      html`${steps.length === 0 ? '' : `${done} of ${steps.length}`}`,
      html`${seconds === null ? '' : `${seconds.toFixed(1)} s`}`,
      moment(startedAt),
      html`${error === null ? '' : error.message}`,
    ];
  });

const shownEntries = (all: number) =>
  `${all > shownHistory ? `the last ${shownHistory} of ${all}` : all} entries, newest first`;

/**
 * A lab's state as one HTML file that opens anywhere: it fetches nothing, runs nothing, follows the reader's theme, and prints.
 * Whatever hosts said stands in it as text. Pure.
 */
export function labReport(known: {
  readonly live: LiveLab;
  readonly tasks: readonly Task[];
  readonly version: string;
  readonly at: Date;
}): string {
  const { live, tasks, version, at } = known;
  const { lab, hosts, probes } = live;
  const verdict = verdictOf(live);
  const { health, sentence, red, measuredAt } = verdict;
  const { backend } = lab.network;
  const failing = redRows(red);
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="Flatland ${version}">
<title>${lab.name}: ${sentence} – Flatland</title>
<style>${{ html: style }}</style>
</head>
<body>
<header>
<p class="from"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3 22 8.5 12 14 2 8.5Z" fill="var(--accent)"/><path d="M2 13.5 12 19l10-5.5" fill="none" stroke="var(--accent)" stroke-width="2" stroke-linejoin="round"/></svg><span><strong>${lab.name}</strong> as Flatland saw it</span>${moment(at.toISOString())}</p>
<div class="verdict ${health}"><span class="badge" aria-hidden="true">${glyphs[health]}</span><h1>${sentence}</h1></div>
<p class="about">${plural(lab.hosts.length, 'host')} on <code>${lab.underlay.cidr}</code>, overlay <code>${lab.network.cidr}</code> by ${backend.type}${
    measuredAt === null ? '' : html`, measured ${moment(measuredAt)}`
  }. All times are UTC.</p>
</header>
<main>
${numbers(live, verdict)}${section('Topology', '', drawTopology(live))}${section(
  'What is red',
  failing.length > shownRed ? `${shownRed} of ${failing.length} pairs` : plural(failing.length, 'pair'),
  table(['Pair', 'Probes', 'Seen', 'At'], failing.slice(0, shownRed)),
)}${section('Reachability', plural(probes.length, 'measurement'), drawMatrix(probes))}${section(
  'Hosts',
  `lab ${live.state}, made ${live.createdAt.slice(0, 16).replace('T', ' ')}`,
  table(
    ['Host', 'State', 'Services', 'Interfaces', 'Overlay traffic', 'Read at'],
    hostRows(hosts, live.samples),
  ),
)}${section(
  'Leases',
  '',
  table(['Host', 'Subnet', 'Public address', 'Backend', 'Renewed', 'Expires', 'Repairs'], leaseRows(hosts)),
)}${section(
  'Pods',
  plural(hosts.flatMap(({ status }) => status.pods).length, 'pod'),
  table(['Pod', 'Host', 'State', 'Address', 'Image', 'Ports', 'Labels'], podRows(hosts)),
)}${section(
  'Tasks',
  plural(tasks.length, 'task'),
  table(['Task', 'State', 'Steps', 'Took', 'Began', 'Error'], taskRows(tasks)),
)}${section('History', shownEntries(live.history.length), history(live.history))}</main>
<footer>Written by Flatland ${version}. This file fetches nothing and runs nothing.</footer>
</body>
</html>
`;
  return document.html;
}
