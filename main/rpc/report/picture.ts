import type { LiveLab, Sample } from '../../../contract/live.ts';
import type { ProbeResult } from '../../../contract/probe.ts';
import { type Html, html } from './html.ts';
import { formatMilliseconds } from './verdict.ts';

const mostHosts = 12;
const size = { width: 880, height: 340 };
const box = { width: 148, height: 58 };

/** The state of the way between two hosts: the probes that cross it, in either direction. */
interface Way {
  readonly health: 'good' | 'bad' | 'stale';
  readonly label: string;
}

function wayOf(results: readonly ProbeResult[]): Way {
  if (results.length === 0) return { health: 'stale', label: '' };
  const red = results.filter(({ ok }) => !ok).length;
  if (red > 0) return { health: 'bad', label: `${red} red` };
  const times = results.flatMap(({ kind, milliseconds }) =>
    kind === 'ping' && milliseconds !== null ? [milliseconds] : [],
  );
  times.sort((one, other) => one - other);
  const middle = times[Math.floor((times.length - 1) / 2)];
  return { health: 'good', label: middle === undefined ? '' : formatMilliseconds(middle) };
}

const round = (number: number) => Math.round(number * 10) / 10;

/** The hosts of a lab in a ring, and the ways between them in the colour of their health; null for a lab of one or of many hosts. */
export function drawTopology({ lab, hosts, probes }: LiveLab): Html | null {
  const count = lab.hosts.length;
  if (count < 2 || count > mostHosts) return null;
  const radius = { x: (size.width - box.width) / 2 - 12, y: (size.height - box.height) / 2 - 8 };
  const places = lab.hosts.map(({ name, address }, index) => {
    // Two hosts stand side by side; of three, one stands on top.
    const angle = (index / count) * 2 * Math.PI - (count === 2 ? Math.PI : Math.PI / 2);
    return {
      name,
      address,
      x: round(size.width / 2 + Math.cos(angle) * radius.x),
      y: round(size.height / 2 + Math.sin(angle) * radius.y),
      lost: hosts.some((host) => host.name === name && host.reach.kind === 'reconnecting'),
      subnet: hosts.find((host) => host.name === name)?.status.agent?.subnet ?? 'no lease',
    };
  });
  const heights = places.map(({ y }) => y);
  const top = Math.min(...heights) - box.height / 2 - 2;
  const bottom = Math.max(...heights) + box.height / 2 + 2;
  const ways = places.flatMap((one, index) =>
    places.slice(index + 1).map((other) => {
      const crossing = probes.filter(
        ({ from, to }) =>
          (from.host === one.name && to.host === other.name) ||
          (from.host === other.name && to.host === one.name),
      );
      return { one, other, ...wayOf(crossing) };
    }),
  );
  const label = ({ one, other, label: text, health }: (typeof ways)[number]) => {
    // Not in the middle, where ways cross.
    const [x, y] = [round(one.x + (other.x - one.x) * 0.38), round(one.y + (other.y - one.y) * 0.38)];
    // With more hosts the labels would lie on each other; the matrix has the numbers.
    if (text === '' || (count > 5 && health === 'good')) return html``;
    const width = text.length * 6.6 + 16;
    return html`<g class="${health}"><rect x="${round(x - width / 2)}" y="${y - 10}" width="${round(width)}" height="20" rx="10" class="pill"/><text x="${x}" y="${y + 4}" text-anchor="middle" class="small">${text}</text></g>`;
  };
  return html`<svg class="topology" viewBox="0 ${round(top)} ${size.width} ${round(bottom - top)}" role="img" aria-label="The hosts and the ways between them">
${ways.map(({ one, other, health }) => html`<line x1="${one.x}" y1="${one.y}" x2="${other.x}" y2="${other.y}" class="way ${health}"/>`)}
${ways.map(label)}
${places.map(
  ({
    name,
    address,
    x,
    y,
    lost,
    subnet,
  }) => html`<g class="${lost ? 'bad' : 'good'}"><rect x="${round(x - box.width / 2)}" y="${round(y - box.height / 2)}" width="${box.width}" height="${box.height}" rx="9" class="host"/>
<circle cx="${round(x - box.width / 2 + 16)}" cy="${round(y - 12)}" r="4" class="mark"/>
<text x="${round(x - box.width / 2 + 27)}" y="${round(y - 7)}" class="name">${name}${lost ? ' · lost' : ''}</text>
<text x="${round(x - box.width / 2 + 12)}" y="${round(y + 8)}" class="small">${subnet}</text>
<text x="${round(x - box.width / 2 + 12)}" y="${round(y + 21)}" class="small faint">${address}</text></g>`,
)}
</svg>`;
}

const spark = { width: 120, height: 26 };
const sparkPoints = 60;

/** The traffic of a host's overlay over the last samples, as a small line; null when there are too few. */
export function drawTraffic(samples: readonly Sample[]): Html | null {
  const rates = samples
    .slice(-sparkPoints)
    .flatMap(({ overlay }) => (overlay === null ? [] : [overlay.receivedBytes + overlay.sentBytes]));
  if (rates.length < 2) return null;
  const most = Math.max(1, ...rates);
  const points = rates.map(
    (rate, index) =>
      `${round((index / (rates.length - 1)) * spark.width)},${round(spark.height - 2 - (rate / most) * (spark.height - 4))}`,
  );
  return html`<svg class="spark" viewBox="0 0 ${spark.width} ${spark.height}" aria-hidden="true"><polyline points="${points.join(' ')}"/></svg>`;
}
