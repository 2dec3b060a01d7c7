import type { LiveHost } from '../../contract/live.ts';
import { Status } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { healthOfHost, reconnectText } from './health.ts';

/** How a host fares in a word, with the seconds to the next attempt when it is lost. */
export function Reach({ host, tinted = false }: { host: LiveHost; tinted?: boolean }) {
  const now = useNow();
  const { health, word } = healthOfHost(host, now);
  const next = host.reach.kind === 'reconnecting' ? `, ${reconnectText(host.reach.nextTryAt, now)}` : '';
  return (
    <Status health={health} tinted={tinted}>
      {word}
      {next}
    </Status>
  );
}
