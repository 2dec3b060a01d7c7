import { expect, test } from 'vitest';
import { createBoard } from './board.ts';
import { formatMetrics } from './metrics.ts';

const use = { cpuSeconds: 1.5, residentBytes: 1000, openDescriptors: null };
const lines = (text: string): string[] => text.split('\n').filter((line) => !line.startsWith('#'));

test('an agent that has just started says what it knows and no more', () => {
  const text = formatMetrics(createBoard('1.2.3').current(), use);
  expect(lines(text)).toEqual(
    expect.arrayContaining([
      'flatland_agent_info{version="1.2.3",backend=""} 1',
      'flatland_agent_phase{phase="starting"} 1',
      'flatland_agent_phase{phase="ready"} 0',
      'flatland_agent_ready 0',
      'flatland_agent_etcd_connected 0',
      'flatland_agent_peers{state="programmed"} 0',
      'process_cpu_seconds_total 1.5',
    ]),
  );
  expect(text).not.toMatch(/lease_expiry|mtu_bytes|open_fds|packets_total|NaN/);
  expect(text.endsWith('\n')).toBe(true);
});

test('traffic is read when asked for, makes no news, and labels are escaped', () => {
  const board = createBoard('a"b\\c\nd');
  let news = 0;
  board.subscribe(() => {
    news += 1;
  });
  let packets = 1;
  board.readTrafficFrom(() => ({
    out: { packets, bytes: 20, drops: { ttl: 3 } },
    in: { packets: 4, bytes: 50, drops: {} },
    peers: [{ subnet: '10.77.1.0/24', outPackets: packets, outBytes: 20, inPackets: 4, inBytes: 50 }],
  }));
  packets = 7;
  board.countPass(0.5, 0.25);
  board.countPass(0.25, null);
  board.update({
    phase: 'ready',
    lease: {
      acquiredAt: '2026-01-01T00:00:00.000Z',
      renewedAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '1970-01-02T00:00:00.000Z',
    },
  });
  expect(news).toBe(1);
  expect(lines(formatMetrics(board.current(), use))).toEqual(
    expect.arrayContaining([
      'flatland_agent_info{version="a\\"b\\\\c\\nd",backend=""} 1',
      'flatland_agent_ready 1',
      'flatland_agent_lease_expiry_seconds 86400',
      'flatland_agent_passes_total 2',
      'flatland_agent_pass_seconds_total 0.75',
      'flatland_agent_lease_lag_seconds 0.25',
      'flatland_agent_packets_total{direction="out"} 7',
      'flatland_agent_bytes_total{direction="in"} 50',
      'flatland_agent_dropped_packets_total{direction="out",reason="ttl"} 3',
      'flatland_agent_peer_packets_total{subnet="10.77.1.0/24",direction="out"} 7',
      'flatland_agent_peer_bytes_total{subnet="10.77.1.0/24",direction="in"} 50',
    ]),
  );
});
