import { memo } from 'react';
import { Link } from 'wouter';
import type { LiveHost, Sample } from '../../contract/live.ts';
import { places } from '../app/routes.ts';
import { Age } from '../ui/age.tsx';
import { count } from '../ui/format.ts';
import { useNow } from '../ui/use-now.ts';
import { isStale, statusFreshFor } from './health.ts';
import styles from './hosts.module.css';
import { Load } from './load.tsx';
import { Facts } from './panel.tsx';
import { Reach } from './reach.tsx';
import { Services } from './services.tsx';

/** A host of the list as a card that leads to all of it. */
export const HostCard = memo(function HostCard({
  lab,
  host,
  samples,
}: {
  lab: string;
  host: LiveHost;
  samples: readonly Sample[];
}) {
  const stale = isStale(host, useNow());
  const { status, links } = host;
  const { agent } = status;
  const overlay = links.find(({ role }) => role === 'overlay') ?? agent?.device ?? null;
  return (
    <article className={styles['card']} data-stale={stale}>
      <header className={styles['cardHead']}>
        <h3 className={styles['name']}>
          <Link href={places.host(lab, host.name)}>{host.name}</Link>
        </h3>
        <Reach host={host} tinted />
      </header>
      <Services host={host} stale={stale} />
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
            overlay === null ? (
              'none'
            ) : (
              <span className="mono" key="o">{`${overlay.name}, mtu ${overlay.mtu}`}</span>
            ),
          ],
          [
            'Subnet',
            <span className="mono" key="s">
              {agent?.subnet ?? 'no lease'}
            </span>,
          ],
          [
            'Lease',
            agent?.lease == null ? (
              'none'
            ) : (
              <span key="l">
                renewed <Age at={agent.lease.renewedAt} staleAfter={Number.POSITIVE_INFINITY} /> ago
              </span>
            ),
          ],
        ]}
      />
      <Load host={host.name} samples={samples} stale={stale} />
      <footer className={styles['foot']}>
        <span>{count(status.pods.length, 'pod')}</span>
        <Age at={status.at} staleAfter={statusFreshFor / 1000} />
      </footer>
    </article>
  );
});
