import { ActionIcon, Button, Group } from '@mantine/core';
import { IconArrowRight, IconFileText, IconTerminal2, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { LiveHost } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { PodStatus } from '../../contract/status.ts';
import { places } from '../app/routes.ts';
import { HostActions } from '../host/actions.tsx';
import { healthOfPod, isStale } from '../host/health.ts';
import { Load, noSamples } from '../host/load.tsx';
import { Reach } from '../host/reach.tsx';
import { Services } from '../host/services.tsx';
import { useClient } from '../rpc/use-client.ts';
import type { LabState } from '../stream/state.ts';
import { openPodLogs, openTerminalFor } from '../terminal/open.ts';
import { Age } from '../ui/age.tsx';
import { count, formatMilliseconds } from '../ui/format.ts';
import { Status, StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import styles from './aside.module.css';
import { look, type Selection, useLook } from './focus.ts';
import { overlayEnd, rateText } from './links.ts';
import { healthOfPair, kindsOf, pairKey, pairsOf } from './pairs.ts';
import { latestOf, overlayFlow } from './traffic.ts';

function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles['facts']}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles['section']}>
      <h4 className={styles['sectionTitle']}>{title}</h4>
      {children}
    </section>
  );
}

/** The other hosts with what the overlay to each is like: also the way to a link for who does not point at it. */
function Peers({ state, host }: { state: LabState; host: string }) {
  const now = useNow();
  const pairs = pairsOf(state.probes);
  const peers = [...state.hosts.keys()]
    .filter((name) => name !== host)
    .map((name) => ({ name, pair: pairs.get(pairKey(host, name)) }))
    .sort((one, other) => Number(other.pair?.worst != null) - Number(one.pair?.worst != null));
  if (peers.length === 0) return <p className={styles['quiet']}>no other host</p>;
  return (
    <ul className={styles['list']}>
      {peers.slice(0, 60).map(({ name, pair }) => (
        <li key={name}>
          <button
            type="button"
            className={styles['row']}
            onClick={() => look({ selection: { kind: 'pair', one: host, other: name } })}
          >
            <StatusIcon health={healthOfPair(pair, now)} />
            <span>{name}</span>
            <span className={styles['end']}>
              {pair === undefined
                ? 'not measured'
                : pair.worst !== null
                  ? `${pair.cells - pair.greenCells} of ${count(pair.cells, 'cell')} fail`
                  : [
                      pair.rttMilliseconds === null ? '' : formatMilliseconds(pair.rttMilliseconds),
                      pair.mtu === null ? '' : `MTU ${pair.mtu}`,
                    ]
                      .filter(Boolean)
                      .join(', ')}
            </span>
          </button>
        </li>
      ))}
      {peers.length > 60 && <li className={styles['quiet']}>and {peers.length - 60} more</li>}
    </ul>
  );
}

function PodRow({ host, pod }: { host: string; pod: PodStatus }) {
  const { health, word } = healthOfPod[pod.state];
  return (
    <li>
      <button
        type="button"
        className={styles['row']}
        onClick={() => look({ selection: { kind: 'pod', host, pod: pod.name } })}
      >
        <StatusIcon health={health} />
        <span>{pod.name}</span>
        <span className={styles['end']}>
          {pod.state === 'running' ? <span className="mono">{pod.address ?? 'no address'}</span> : word}
        </span>
      </button>
    </li>
  );
}

function HostPart({ state, host }: { state: LabState; host: LiveHost }) {
  const stale = isStale(host, useNow());
  const { status } = host;
  const overlay = host.links.find(({ role }) => role === 'overlay');
  const device = overlay ?? status.agent?.device ?? null;
  const { name: lab } = state.lab;
  return (
    <>
      <p className={styles['state']}>
        <Reach host={host} tinted />
        <Age at={status.at} staleAfter={12} />
      </p>
      {host.reach.kind === 'reconnecting' && <p className={styles['reason']}>{host.reach.reason}</p>}
      <HostActions lab={lab} host={host} />
      <div data-stale={stale} className={styles['values']}>
        <Section title="Network">
          <Facts
            facts={[
              [
                'Address',
                <span className="mono" key="a">
                  {status.address}
                </span>,
              ],
              [
                'Overlay',
                device === null ? (
                  'none'
                ) : (
                  <span className="mono" key="o">{`${device.name}, mtu ${device.mtu}`}</span>
                ),
              ],
              [
                'Subnet',
                <span className="mono" key="s">
                  {status.agent?.subnet ?? 'no lease'}
                </span>,
              ],
            ]}
          />
          <Services host={host} stale={stale} />
        </Section>
        <Section title="Load">
          <Load host={host.name} samples={state.samples.get(host.name) ?? noSamples} stale={stale} />
        </Section>
        <Section title={count(status.pods.length, 'pod')}>
          <ul className={styles['list']}>
            {status.pods.map((pod) => (
              <PodRow key={pod.name} host={host.name} pod={pod} />
            ))}
          </ul>
        </Section>
        <Section title="Reaches over the overlay">
          <Peers state={state} host={host.name} />
        </Section>
      </div>
      <Link className={styles['more']} href={places.host(lab, host.name)}>
        All of {host.name}
        <IconArrowRight size={15} aria-hidden />
      </Link>
    </>
  );
}

function PodPart({ state, host, pod }: { state: LabState; host: LiveHost; pod: PodStatus }) {
  const client = useClient();
  const stale = isStale(host, useNow());
  const { health, word } = healthOfPod[pod.state];
  const { name: lab } = state.lab;
  const labels = Object.entries(pod.labels);
  return (
    <>
      <p className={styles['state']}>
        <Status health={stale ? 'stale' : health} tinted>
          {stale ? `was ${word}` : word}
        </Status>
        <Age at={host.status.at} staleAfter={12} />
      </p>
      <Group gap={6}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconTerminal2 size={15} />}
          disabled={pod.state !== 'running' || host.reach.kind !== 'connected'}
          onClick={() => openTerminalFor(client, lab, pod.name)}
        >
          Terminal
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconFileText size={15} />}
          onClick={() => openPodLogs(lab, pod.name)}
        >
          Logs
        </Button>
      </Group>
      <Section title="Pod">
        <Facts
          facts={[
            [
              'Address',
              <span className="mono" key="a">
                {pod.address ?? 'none'}
              </span>,
            ],
            [
              'Image',
              <span className="mono" key="i">
                {pod.image}
              </span>,
            ],
            [
              'Command',
              pod.command === null ? (
                "the image's own"
              ) : (
                <span className="mono" key="c">
                  {pod.command.join(' ')}
                </span>
              ),
            ],
            ['Ports', pod.ports.join(', ') || 'none'],
            ['Labels', labels.map(([name, value]) => `${name}=${value}`).join(', ') || 'none'],
            ['From', pod.declared ? 'the lab file' : 'launched by hand'],
          ]}
        />
      </Section>
      <button
        type="button"
        className={styles['more']}
        onClick={() => look({ selection: { kind: 'host', host: host.name } })}
      >
        Runs on {host.name}
        <IconArrowRight size={15} aria-hidden />
      </button>
    </>
  );
}

/** One direction of a pair in a line for each kind of probe: how many cells are green, and what the first failing one saw. */
function Cells({ title, cells }: { title: string; cells: readonly ProbeResult[] }) {
  return (
    <Section title={title}>
      {cells.length === 0 ? (
        <p className={styles['quiet']}>not measured</p>
      ) : (
        <table className={styles['cells']}>
          <thead>
            <tr>
              <th scope="col">Probe</th>
              <th scope="col">Green</th>
              <th scope="col">Seen</th>
            </tr>
          </thead>
          <tbody>
            {kindsOf(cells).map(({ kind, green, all, shown }) => (
              <tr key={kind}>
                <td>
                  <Status health={green === all ? 'good' : 'bad'}>{kind}</Status>
                </td>
                <td>
                  {green} of {all}
                </td>
                <td>
                  {green === all ? null : `${shown.from.name} → ${shown.to.name}: `}
                  {shown.seen}
                  {!shown.ok && <span className={styles['expected']}>expected {shown.expected}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function PairPart({ state, one, other }: { state: LabState; one: string; other: string }) {
  const now = useNow();
  const pair = pairsOf(state.probes).get(pairKey(one, other));
  const there: ProbeResult[] = [];
  const back: ProbeResult[] = [];
  for (const result of state.probes.values()) {
    if (result.from.host === one && result.to.host === other) there.push(result);
    if (result.from.host === other && result.to.host === one) back.push(result);
  }
  const end = (name: string) => overlayEnd(state.hosts.get(name), latestOf(state.samples.get(name), now));
  const flow = overlayFlow(end(one), end(other));
  const worst = pair?.worst ?? there[0] ?? back[0];
  const ends = worst === undefined ? undefined : { from: worst.from.name, to: worst.to.name };
  const health = healthOfPair(pair, now);
  return (
    <>
      <p className={styles['state']}>
        <Status health={health} tinted>
          {pair === undefined
            ? 'not measured'
            : pair.worst === null
              ? `all ${count(pair.cells, 'cell')} green${health === 'stale' ? ', long ago' : ''}`
              : `${pair.cells - pair.greenCells} of ${count(pair.cells, 'cell')} fail`}
        </Status>
        {pair !== undefined && <Age at={pair.measuredAt} staleAfter={900} />}
      </p>
      <Section title="Overlay between them">
        <Facts
          facts={[
            [
              'Round trip',
              pair?.rttMilliseconds == null
                ? 'no answer'
                : `${formatMilliseconds(pair.rttMilliseconds)} (p50)`,
            ],
            ['Path MTU', pair?.mtu ?? 'not found'],
            [`${one} → ${other}`, flow === null ? 'not known' : rateText(flow.out, flow.certainty)],
            [`${other} → ${one}`, flow === null ? 'not known' : rateText(flow.back, flow.certainty)],
          ]}
        />
        <p className={styles['quiet']}>
          {flow?.certainty === 'counted'
            ? 'Counted by the agents, which carry the packets of this backend themselves.'
            : 'The kernel has no counter for a pair: no more can pass than the one sends and the other receives.'}
        </p>
      </Section>
      <Cells title={`${one} → ${other}`} cells={there} />
      <Cells title={`${other} → ${one}`} cells={back} />
      <Link className={styles['more']} href={places.probes(state.lab.name, ends)}>
        Open in the matrix
        <IconArrowRight size={15} aria-hidden />
      </Link>
    </>
  );
}

function contentOf(state: LabState, selection: Selection): { title: string; kind: string; body: ReactNode } {
  if (selection.kind === 'pair') {
    const { one, other } = selection;
    return {
      title: `${one} ↔ ${other}`,
      kind: 'Pair of hosts',
      body: <PairPart state={state} one={one} other={other} />,
    };
  }
  const host = state.hosts.get(selection.host);
  const gone = (what: string) => <p className={styles['quiet']}>{what} is not there, or not seen yet.</p>;
  if (selection.kind === 'host') {
    const { host: title } = selection;
    return {
      title,
      kind: 'Host',
      body: host === undefined ? gone(title) : <HostPart state={state} host={host} />,
    };
  }
  const { pod: title } = selection;
  const pod = host?.status.pods.find(({ name }) => name === title);
  return {
    title,
    kind: 'Pod',
    body:
      host === undefined || pod === undefined ? gone(title) : <PodPart state={state} host={host} pod={pod} />,
  };
}

/** What is known of the host, pod or link that was chosen, beside the picture. Escape closes it. */
export function Aside({ state, selection }: { state: LabState; selection: Selection }) {
  const { title, kind, body } = contentOf(state, selection);
  const box = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another title is another thing, which is read from its beginning.
  useEffect(() => {
    box.current?.scrollTo({ top: 0 });
    // The button that led here is gone with what was shown before.
    if (document.activeElement === document.body) heading.current?.focus();
  }, [title, kind]);
  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      const { active } = useLook.getState();
      const inside = box.current?.contains(document.activeElement) === true;
      look({ selection: null });
      if (inside && active !== null)
        document.querySelector<HTMLElement>(`[data-host="${CSS.escape(active)}"]`)?.focus();
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, []);
  return (
    <aside className={styles['aside']} aria-label={`${kind} ${title}`} ref={box}>
      <header className={styles['header']}>
        <div>
          <p className={styles['kind']}>{kind}</p>
          <h3 className={styles['title']} ref={heading} tabIndex={-1}>
            {title}
          </h3>
        </div>
        <ActionIcon aria-label="Close" onClick={() => look({ selection: null })}>
          <IconX size={17} />
        </ActionIcon>
      </header>
      {body}
    </aside>
  );
}
