import { VisuallyHidden } from '@mantine/core';
import type { NodeProps } from '@xyflow/react';
import { memo } from 'react';
import type { LiveHost, NetworkLink } from '../../contract/live.ts';
import type { PodStatus } from '../../contract/status.ts';
import { healthOfHost, healthOfPod, reconnectText, type Told } from '../host/health.ts';
import { useStream } from '../stream/store.ts';
import type { Health } from '../stream/verdict.ts';
import { count } from '../ui/format.ts';
import { StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { look, useLook } from './focus.ts';
import styles from './host-node.module.css';
import { podColumns, podsShown } from './layout.ts';

/** What a card shows of a host: plain values, so that it is drawn again only when one of them changes. */
interface Face {
  readonly name: string;
  readonly health: Health;
  readonly word: string;
  readonly underlay: string;
  readonly underlayDevice: string;
  readonly underlayMtu: string;
  readonly overlay: string;
  readonly overlayDevice: string;
  readonly overlayMtu: string;
}

const linkOf = (host: LiveHost | undefined, role: NetworkLink['role']): NetworkLink | undefined =>
  host?.links.find((link) => link.role === role);

const mtuText = (mtu: number | null): string => (mtu === null ? '' : `mtu ${mtu}`);

/** How a host fares. One that is well itself, but reaches hardly any other, is not well. */
function toldOf(host: LiveHost | undefined, now: number, failing: string | null): Told {
  if (host === undefined) return { health: 'working', word: 'not seen yet' };
  const told = healthOfHost(host, now);
  return told.health === 'good' && failing !== null ? { health: 'bad', word: failing } : told;
}

function faceOf(name: string, host: LiveHost | undefined, now: number, failing: string | null): Face {
  const [underlay, overlay] = [linkOf(host, 'underlay'), linkOf(host, 'overlay')];
  const agent = host?.status.agent ?? null;
  return {
    name,
    ...toldOf(host, now, failing),
    underlay: host?.status.address ?? '–',
    underlayDevice: underlay?.name ?? 'eth0',
    underlayMtu: mtuText(underlay?.mtu ?? null),
    overlay: agent?.subnet ?? 'no lease',
    overlayDevice: overlay?.name ?? agent?.device?.name ?? agent?.backend ?? 'overlay',
    overlayMtu: mtuText(overlay?.mtu ?? agent?.mtu ?? null),
  };
}

function Countdown({ nextTryAt }: { nextTryAt: string }) {
  return reconnectText(nextTryAt, useNow());
}

function PodChip({ host, pod, focusable }: { host: string; pod: PodStatus; focusable: boolean }) {
  const { health, word } = healthOfPod[pod.state];
  const chosen = useLook(
    ({ selection }) => selection?.kind === 'pod' && selection.host === host && selection.pod === pod.name,
  );
  return (
    <button
      type="button"
      className={styles['pod']}
      data-health={health}
      data-chosen={chosen}
      tabIndex={focusable ? 0 : -1}
      title={`${pod.name}, ${pod.address ?? 'no address'}, ${word}`}
      data-pod={pod.name}
      onClick={(event) => {
        event.stopPropagation();
        look({ selection: { kind: 'pod', host, pod: pod.name }, active: host });
      }}
    >
      <i className={styles['mark']} data-state={pod.state} aria-hidden />
      <VisuallyHidden>Pod </VisuallyHidden>
      <span className={styles['podName']}>{pod.name}</span>
      <span className={styles['podAddress']}>{pod.state === 'running' ? (pod.address ?? '–') : word}</span>
    </button>
  );
}

const samePods = (one: readonly PodStatus[], other: readonly PodStatus[]): boolean =>
  one.length === other.length &&
  one.every((pod, index) => {
    const same = other[index];
    return same?.name === pod.name && same.state === pod.state && same.address === pod.address;
  });

const Pods = memo(
  function Pods({ host, pods, focusable }: { host: string; pods: readonly PodStatus[]; focusable: boolean }) {
    if (pods.length === 0) return <p className={styles['none']}>no pods</p>;
    return (
      <ul className={styles['pods']} data-columns={podColumns(pods.length)} aria-label={`Pods of ${host}`}>
        {pods.slice(0, podsShown).map((pod) => (
          <li key={pod.name}>
            <PodChip host={host} pod={pod} focusable={focusable} />
          </li>
        ))}
        {pods.length > podsShown && <li className={styles['more']}>and {pods.length - podsShown} more</li>}
      </ul>
    );
  },
  (one, other) =>
    one.host === other.host && one.focusable === other.focusable && samePods(one.pods, other.pods),
);

const Head = memo(function Head({
  name,
  health,
  word,
  underlay,
  overlay,
  summary,
  active,
  nextTryAt,
  ...devices
}: Face & { summary: string; active: boolean; nextTryAt: string | null }) {
  return (
    <>
      <button
        type="button"
        className={styles['head']}
        tabIndex={active ? 0 : -1}
        data-host={name}
        onFocus={() => look({ active: name })}
      >
        <StatusIcon health={health} />
        <VisuallyHidden>Host </VisuallyHidden>
        <strong className={styles['name']}>{name}</strong>
        <span className={styles['word']} data-health={health}>
          {nextTryAt === null ? word : <Countdown nextTryAt={nextTryAt} />}
        </span>
        <span className={styles['summary']}>{health === 'bad' || health === 'warning' ? word : summary}</span>
      </button>
      <dl className={styles['devices']}>
        <div data-layer="underlay">
          <dt>{devices.underlayDevice}</dt>
          <dd>{underlay}</dd>
          <dd className={styles['mtu']}>{devices.underlayMtu}</dd>
        </div>
        <div data-layer="overlay">
          <dt>{devices.overlayDevice}</dt>
          <dd>{overlay}</dd>
          <dd className={styles['mtu']}>{devices.overlayMtu}</dd>
        </div>
      </dl>
    </>
  );
});

function summaryOf(pods: readonly PodStatus[]): string {
  const running = pods.filter(({ state }) => state === 'running').length;
  return running === pods.length ? count(pods.length, 'pod') : `${running} of ${count(pods.length, 'pod')}`;
}

const noPods: readonly PodStatus[] = [];

/** A host in the picture, with its pods inside. From afar only its name, health and number of pods. */
export const HostNode = memo(function HostNode({ id }: NodeProps) {
  const host = useStream(({ lab }) => lab?.hosts.get(id));
  const detail = useLook((state) => state.detail);
  const active = useLook((state) => state.active === id);
  const chosen = useLook(
    ({ selection }) =>
      selection !== null &&
      (selection.kind === 'pair' ? selection.one === id || selection.other === id : selection.host === id),
  );
  const failing = useLook(({ sick }) => sick.get(id)?.failing ?? 0);
  const measured = useLook(({ sick }) => sick.get(id)?.measured ?? 0);
  const face = faceOf(
    id,
    host,
    useNow(),
    failing === 0 ? null : `${failing} of ${count(measured, 'pair')} fail`,
  );
  const pods = host?.status.pods ?? noPods;
  const reconnecting = host?.reach.kind === 'reconnecting' ? host.reach.nextTryAt : null;
  return (
    <article className={styles['card']} data-health={face.health} data-detail={detail} data-chosen={chosen}>
      <Head {...face} summary={summaryOf(pods)} active={active} nextTryAt={reconnecting} />
      {detail === 'card' && <Pods host={id} pods={pods} focusable={active} />}
    </article>
  );
});
