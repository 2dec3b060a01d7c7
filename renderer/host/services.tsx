import type { LiveHost } from '../../contract/live.ts';
import { Status } from '../ui/status.tsx';
import { healthOfService } from './health.ts';
import styles from './services.module.css';

const names = ['etcd', 'agent', 'docker'] as const;

/** The services of a host, each with its state as icon and word. What is old is grey, whatever it was. */
export function Services({ host, stale }: { host: LiveHost; stale: boolean }) {
  return (
    <ul className={styles['services']} aria-label={`Services of ${host.name}`}>
      {names.map((name) => {
        const { health, word } = healthOfService(host, name);
        return (
          <li key={name}>
            <span className={styles['name']}>{name === 'docker' ? 'Docker' : name}</span>
            <Status health={stale ? 'stale' : health}>
              {stale ? `was ${word}` : word}
              {name === 'etcd' && !stale && host.etcd?.leader === true ? ', leader' : ''}
            </Status>
          </li>
        );
      })}
    </ul>
  );
}
