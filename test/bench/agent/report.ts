import { median } from '../timing.ts';
import type { LeaseTimes } from './lease.ts';
import type { PathKind } from './network.ts';
import type { Blow, Loss } from './restart.ts';
import type { Scale } from './scale.ts';

/** What was measured on one path, a value for each round. Gbit/s, µs, packets/s, seconds per GB. */
export interface PathFigures {
  readonly tcp1: number[];
  readonly tcp8: number[];
  readonly rtt50: number[];
  readonly rtt99: number[];
  readonly udp: number[];
  readonly machine: number[];
  readonly agents: number[];
}

/** Per cent of a core and MB of one agent with nothing to do; its longest-living and largest counts. */
export interface Idle {
  readonly processor: number;
  readonly resident: number;
  readonly anonymous: number;
}

export interface Results {
  readonly paths: ReadonlyMap<PathKind, PathFigures>;
  readonly idle: ReadonlyMap<PathKind, Idle>;
  readonly leases: ReadonlyMap<PathKind, LeaseTimes>;
  readonly scale: readonly (readonly Scale[])[];
  readonly losses: ReadonlyMap<PathKind, ReadonlyMap<Blow, readonly Loss[]>>;
}

const titles: Record<PathKind, string> = {
  underlay: 'underlay',
  'by-hand': 'vxlan by hand',
  vxlan: 'our vxlan',
  'host-gw': 'our host-gw',
  udp: 'our udp',
  'udp-plain': 'udp, offl. off',
};
const width = 16;
const line = (title: string, cells: readonly string[]) =>
  `${title.padEnd(34)}${cells.map((cell) => cell.padStart(width)).join('')}`;

/** The median of the ratios of the rounds: both values of each are of the same minute. */
const ratio = (over: readonly number[], under: readonly number[]): number =>
  median(over.map((value, round) => value / (under[round] ?? Number.NaN)));

const number = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : '-');

function judge(
  what: string,
  value: number,
  digits: number,
  unit: string,
  target: number,
  side: '≥' | '≤' | '<',
) {
  const met = { '≥': value >= target, '≤': value <= target, '<': value < target }[side];
  console.log(
    `${met ? 'met    ' : 'NOT MET'}  ${what.padEnd(66)}${number(value, digits).padStart(9)}${unit}  (${side} ${target}${unit})`,
  );
}

function printPaths({ paths, idle }: Results): void {
  const kinds = [...paths.keys()];
  const figures = [...paths.values()];
  const hand = paths.get('by-hand');
  console.log(
    line(
      '',
      kinds.map((kind) => titles[kind]),
    ),
  );
  const rows: readonly (readonly [string, keyof PathFigures, number, boolean])[] = [
    ['TCP, 1 flow, Gbit/s', 'tcp1', 2, true],
    ['TCP, 8 flows, Gbit/s', 'tcp8', 2, true],
    ['RTT p50, µs', 'rtt50', 0, true],
    ['RTT p99, µs', 'rtt99', 0, true],
    ['UDP of 1,400 bytes, packets/s', 'udp', 0, true],
    ['machine, CPU s per GB', 'machine', 2, true],
    ['agents, CPU s per GB', 'agents', 2, false],
  ];
  for (const [title, row, digits, relative] of rows) {
    console.log(
      line(
        title,
        figures.map((each) => number(median(each[row]), digits)),
      ),
    );
    if (relative && hand !== undefined)
      console.log(
        line(
          '  ÷ vxlan by hand',
          figures.map((each) => number(ratio(each[row], hand[row]), 2)),
        ),
      );
  }
  const idles = kinds.map((kind) => idle.get(kind));
  const cells = (of: (each: Idle) => string) => idles.map((each) => (each === undefined ? '' : of(each)));
  console.log(
    line(
      'idle agent, % of a core',
      cells(({ processor }) => number(processor, 3)),
    ),
  );
  console.log(
    line(
      'idle agent, resident MB',
      cells(({ resident }) => number(resident, 1)),
    ),
  );
  console.log(
    line(
      'idle agent, anonymous MB',
      cells(({ anonymous }) => number(anonymous, 1)),
    ),
  );
}

function printLeases({ leases }: Results): void {
  console.log('\nfrom a put of a lease to its first packet there, ms');
  for (const [kind, { p50, p99, missed, count }] of leases)
    console.log(
      line(`  ${titles[kind]}`, [
        `p50 ${number(p50, 1)}`,
        `p99 ${number(p99, 1)}`,
        `of ${count}`,
        `${missed} never`,
      ]),
    );
}

interface ScaleRow {
  readonly peers: number;
  readonly agent: number;
  readonly batch: number;
  readonly ratio: number;
  readonly processor: number;
  readonly memory: number;
}

const scaleRows = ({ scale }: Results): ScaleRow[] =>
  scale
    .filter((rounds) => rounds.length > 0)
    .map((rounds) => {
      const of = (get: (round: Scale) => number) => median(rounds.map(get));
      return {
        peers: rounds[0]?.peers ?? 0,
        agent: of(({ agent }) => agent),
        batch: of(({ batch }) => batch),
        ratio: of(({ agent, batch }) => agent / batch),
        processor: of(({ processor }) => processor),
        memory: of(({ memory }) => memory),
      };
    });

function printScale(rows: readonly ScaleRow[]): void {
  console.log(
    '\nfrom the start of an agent to its peers programmed (vxlan), and the same entries by ip and bridge -batch',
  );
  console.log(line('  peers', ['agent, s', 'batch, s', 'agent ÷ batch', 'agent CPU, s', 'resident MB']));
  for (const row of rows)
    console.log(
      line(`  ${row.peers}`, [
        number(row.agent, 3),
        number(row.batch, 3),
        number(row.ratio, 1),
        number(row.processor, 2),
        number(row.memory, 1),
      ]),
    );
}

const blows: Record<Blow, string> = {
  none: 'left alone',
  restart: 'SIGTERM and start',
  kill: 'kill -9 and start',
};

function printLosses({ losses }: Results): void {
  console.log('\npackets lost at 10,000 a second, and the longest time without one');
  console.log(line('', ['lost', 'lost, worst', 'longest, ms', 'worst, ms', 'not ready, ms']));
  for (const [kind, byBlow] of losses)
    for (const [blow, rounds] of byBlow) {
      const of = (get: (loss: Loss) => number) => rounds.map(get);
      console.log(
        line(`  ${titles[kind]}, ${blows[blow]}`, [
          number(median(of(({ lost }) => lost)), 0),
          number(Math.max(...of(({ lost }) => lost)), 0),
          number(median(of(({ longest }) => longest)), 0),
          number(Math.max(...of(({ longest }) => longest)), 0),
          number(median(of(({ away }) => away)), 0),
        ]),
      );
    }
}

/** Each of the targets, whether it is met, and by what figure. */
function printTargets(results: Results, rows: readonly ScaleRow[]): void {
  console.log('\ntargets');
  const { paths, idle, losses } = results;
  const [hand, vxlan, udp] = [paths.get('by-hand'), paths.get('vxlan'), paths.get('udp')];
  if (hand !== undefined && vxlan !== undefined && udp !== undefined) {
    judge('our vxlan ÷ vxlan by hand, TCP, 1 flow', ratio(vxlan.tcp1, hand.tcp1), 2, '', 0.97, '≥');
    judge('our vxlan ÷ vxlan by hand, TCP, 8 flows', ratio(vxlan.tcp8, hand.tcp8), 2, '', 0.97, '≥');
    judge('our udp ÷ vxlan by hand, TCP, 1 flow', ratio(udp.tcp1, hand.tcp1), 2, '', 0.5, '≥');
    judge('our udp ÷ vxlan by hand, TCP, 8 flows', ratio(udp.tcp8, hand.tcp8), 2, '', 0.5, '≥');
    judge('our udp ÷ vxlan by hand, RTT p50', ratio(udp.rtt50, hand.rtt50), 2, '', 5.2, '≤');
  }
  for (const [kind, { processor, resident }] of idle) {
    judge(`${titles[kind]}: idle CPU of an agent`, processor, 3, ' %', 0.1, '≤');
    judge(`${titles[kind]}: resident memory of an agent`, resident, 1, ' MB', 80, '≤');
  }
  for (const row of rows)
    judge(`start to ${row.peers} peers ÷ one batch of the same`, row.ratio, 1, '', 3, '≤');
  for (const [kind, byBlow] of losses)
    for (const [blow, rounds] of byBlow) {
      if (blow === 'none') continue;
      const what = `${titles[kind]}, ${blows[blow]}: `;
      if (kind === 'udp')
        judge(`${what}longest outage`, Math.max(...rounds.map(({ longest }) => longest)), 0, ' ms', 500, '<');
      else judge(`${what}packets lost`, Math.max(...rounds.map(({ lost }) => lost)), 0, '', 0, '≤');
    }
}

export function print(results: Results): void {
  printPaths(results);
  printLeases(results);
  const rows = scaleRows(results);
  printScale(rows);
  printLosses(results);
  printTargets(results, rows);
}

/** The same as plain data, for `--json`. */
export const toJson = ({ paths, idle, leases, scale, losses }: Results): object => ({
  paths: Object.fromEntries(paths),
  idle: Object.fromEntries(idle),
  leases: Object.fromEntries(leases),
  scale,
  losses: Object.fromEntries([...losses].map(([kind, byBlow]) => [kind, Object.fromEntries(byBlow)])),
});
