import { VisuallyHidden } from '@mantine/core';
import { useThrottledValue } from '@mantine/hooks';
import { memo } from 'react';
import { healthOfHost } from '../host/health.ts';
import type { LabState } from '../stream/state.ts';
import { count, formatMilliseconds } from '../ui/format.ts';
import { circleLimit } from './layout.ts';
import { pairsOf } from './pairs.ts';

const Table = memo(function Table({ state }: { state: LabState }) {
  const pairs = [...pairsOf(state.probes).values()];
  const failing = pairs.filter(({ worst }) => worst !== null);
  const told = state.hosts.size <= circleLimit ? pairs : failing.slice(0, 50);
  return (
    <>
      <p>
        {count(state.hosts.size, 'host')}, {count(pairs.length, 'measured pair')} of hosts, {failing.length}{' '}
        failing.
      </p>
      <table>
        <caption>Hosts of the lab</caption>
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col">Health</th>
            <th scope="col">Address</th>
            <th scope="col">Subnet</th>
            <th scope="col">Pods</th>
          </tr>
        </thead>
        <tbody>
          {[...state.hosts.values()].map((host) => (
            <tr key={host.name}>
              <th scope="row">{host.name}</th>
              <td>{healthOfHost(host, Date.now()).word}</td>
              <td>{host.status.address}</td>
              <td>{host.status.agent?.subnet ?? 'none'}</td>
              <td>{host.status.pods.length}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {told.length > 0 && (
        <table>
          <caption>Links of the overlay</caption>
          <thead>
            <tr>
              <th scope="col">Hosts</th>
              <th scope="col">Cells green</th>
              <th scope="col">Round trip</th>
              <th scope="col">MTU</th>
            </tr>
          </thead>
          <tbody>
            {told.map((pair) => (
              <tr key={`${pair.one} ${pair.other}`}>
                <th scope="row">
                  {pair.one} and {pair.other}
                </th>
                <td>
                  {pair.greenCells} of {pair.cells}
                </td>
                <td>{pair.rttMilliseconds === null ? 'none' : formatMilliseconds(pair.rttMilliseconds)}</td>
                <td>{pair.mtu ?? 'none'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
});

/** The picture in words and tables, for those who do not see it. It follows at a calm pace. */
export function Told({ state }: { state: LabState }) {
  const calm = useThrottledValue(state, 3000);
  return (
    <VisuallyHidden>
      <Table state={calm} />
    </VisuallyHidden>
  );
}
