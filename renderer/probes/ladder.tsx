import { Button } from '@mantine/core';
import { IconArrowBackUp, IconCheck, IconQuestionMark, IconRefresh } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import type { FlatlandError } from '../../contract/error.ts';
import type { LadderRung, MtuLadder } from '../../contract/probe.ts';
import { toError } from '../rpc/client.ts';
import { useClient } from '../rpc/use-client.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { formatMilliseconds } from '../ui/format.ts';
import styles from './ladder.module.css';
import { type LadderPicture, ladderPicture, ladderSentence } from './ladder-picture.ts';

type Climb =
  | { readonly kind: 'growing'; readonly ladder: MtuLadder | null }
  | { readonly kind: 'done'; readonly ladder: MtuLadder | null }
  | { readonly kind: 'failed'; readonly ladder: MtuLadder | null; readonly error: FlatlandError };

/** What a word of the outcome means, for those who point at it. */
const meanings: Record<LadderRung['outcome'], string> = {
  passed: 'the answer came back',
  refused: "the sender's own kernel knew that it is too big",
  dropped: 'it went out, and no answer came',
};

const outcomes: Record<LadderRung['outcome'], { word: string; icon: typeof IconCheck; health: string }> = {
  passed: { word: 'passed', icon: IconCheck, health: 'good' },
  refused: { word: 'refused', icon: IconArrowBackUp, health: 'warning' },
  dropped: { word: 'dropped', icon: IconQuestionMark, health: 'bad' },
};

function Packet({
  picture,
  underlayMtu,
  expectedMtu,
}: {
  picture: LadderPicture;
  underlayMtu: number;
  expectedMtu: number;
}) {
  const { packet, headers, overhead, wireBytes } = picture;
  const said = [...headers, { name: 'packet of the pod', bytes: expectedMtu }]
    .map(({ name, bytes }) => `${name} ${bytes}`)
    .join(', ');
  const narrow = (overhead / wireBytes) * 100;
  return (
    <figure className={styles['packet']}>
      <figcaption className={styles['caption']}>
        One full packet on the underlay, to scale: {wireBytes} bytes
      </figcaption>
      <div role="img" aria-label={`From the outside in, in bytes: ${said}`}>
        <div className={styles['wire']}>
          {packet.map(({ name, share }, order) =>
            order < headers.length ? (
              <div
                key={name}
                className={styles['segment']}
                data-order={order}
                style={{ width: `${share * 100}%` }}
              />
            ) : (
              <div key={name} className={styles['inner']} style={{ width: `${share * 100}%` }}>
                {name}, {expectedMtu} bytes
              </div>
            ),
          )}
        </div>
        {headers.length > 0 && (
          <>
            <svg
              className={styles['beam']}
              viewBox="0 0 100 10"
              preserveAspectRatio="none"
              aria-hidden="true"
            >
              <path d={`M0 0H${narrow}L100 10H0Z`} fill="currentColor" />
            </svg>
            <div className={styles['glass']}>
              {headers.map(({ name, bytes, share }, order) => (
                <div
                  key={name}
                  className={styles['segment']}
                  data-order={order}
                  style={{ width: `${share * 100}%` }}
                >
                  <strong>{bytes}</strong>
                  <span>{name}</span>
                </div>
              ))}
            </div>
          </>
        )}
      </div>
      <p className={styles['sum']}>
        {headers.length === 0
          ? `This backend routes the packet as it is, so all ${underlayMtu} bytes of the underlay are the pod's.`
          : `${underlayMtu} of the underlay − ${headers.map(({ bytes }) => bytes).join(' − ')} of headers = ${underlayMtu - overhead} for the pod`}
      </p>
    </figure>
  );
}

function Rungs({ picture, ladder }: { picture: LadderPicture; ladder: MtuLadder }) {
  return (
    <table className={styles['rungs']}>
      <caption className={styles['hidden']}>Each size that was tried, largest first</caption>
      <thead>
        <tr>
          <th scope="col">Bytes</th>
          <th scope="col">Outcome</th>
          <th scope="col" className={styles['barHead']}>
            <span className={styles['markKey']}>
              <span>
                <i data-name="expected" />
                expected {ladder.expectedMtu}
              </span>
              <span>
                <i data-name="underlay" />
                underlay {ladder.underlayMtu}
              </span>
            </span>
          </th>
        </tr>
      </thead>
      <tbody>
        {picture.bars.map(({ rung, length, beyond }) => {
          const { word, icon: Icon, health } = outcomes[rung.outcome];
          const said = [
            `${word}: ${meanings[rung.outcome]}`,
            rung.milliseconds === null ? null : formatMilliseconds(rung.milliseconds),
            rung.said,
          ];
          return (
            <tr key={rung.size} title={said.filter((part) => part !== null).join(', ')}>
              <td className={styles['size']}>{rung.size}</td>
              <td data-health={health}>
                <Icon size="1em" stroke={2.5} aria-hidden style={{ verticalAlign: '-0.12em' }} /> {word}
                {rung.said !== null && <span className={styles['hidden']}>: {rung.said}</span>}
              </td>
              <td className={styles['barCell']}>
                {picture.marks.map(({ name, position }) => (
                  <span
                    key={name}
                    className={styles['mark']}
                    data-name={name}
                    style={{ left: `${position * 100}%` }}
                    aria-hidden
                  />
                ))}
                <div
                  className={styles['bar']}
                  data-outcome={rung.outcome}
                  data-beyond={beyond}
                  style={{ width: `${length * 100}%` }}
                  aria-hidden
                />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Finds the path MTU of a pair by trying sizes, and draws where the bytes go. It begins as soon as it is shown. */
export function Ladder({ lab, from, to }: { lab: string; from: string; to: string }) {
  const client = useClient();
  const [attempt, setAttempt] = useState(0);
  const [climb, setClimb] = useState<Climb>({ kind: 'growing', ladder: null });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt climbs again
  useEffect(() => {
    setClimb({ kind: 'growing', ladder: null });
    const subscription = client.ladder.subscribe(
      { lab, from, to },
      {
        onData: (ladder) => setClimb({ kind: 'growing', ladder }),
        onError: (error) => setClimb(({ ladder }) => ({ kind: 'failed', ladder, error: toError(error) })),
        onComplete: () =>
          setClimb((now) => (now.kind === 'failed' ? now : { kind: 'done', ladder: now.ladder })),
      },
    );
    return () => subscription.unsubscribe();
  }, [client, lab, from, to, attempt]);

  const { ladder } = climb;
  const picture = useMemo(() => (ladder === null ? null : ladderPicture(ladder)), [ladder]);
  const growing = climb.kind === 'growing';
  return (
    <section className={styles['ladder']} aria-label={`MTU ladder from ${from} to ${to}`} aria-busy={growing}>
      <p className={styles['sentence']} aria-live="polite">
        {ladder === null ? (growing ? 'Trying sizes' : 'Nothing was tried') : ladderSentence(ladder, growing)}
      </p>
      {climb.kind === 'failed' && <ErrorCard error={climb.error} where={`MTU ladder, ${from} → ${to}`} />}
      {ladder !== null && picture !== null && (
        <div className={styles['pictures']}>
          <Rungs picture={picture} ladder={ladder} />
          <Packet picture={picture} underlayMtu={ladder.underlayMtu} expectedMtu={ladder.expectedMtu} />
        </div>
      )}
      {!growing && (
        <div>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} />}
            onClick={() => setAttempt((number) => number + 1)}
          >
            Climb again
          </Button>
        </div>
      )}
    </section>
  );
}
