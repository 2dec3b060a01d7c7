import { beforeAll, expect, test } from 'vitest';
import { endpoint, type OverlayHost, type TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor, waitsFor } from '../overlays.ts';

/* What agents answer by HTTP. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
let two: OverlayHost;
beforeAll(async () => {
  made = await overlays.make(2, null);
  [one, two] = [hostOf(made, 1), hostOf(made, 2)];
  one.start(['-healthz-port=8471', '-healthz-ip=127.0.0.1']);
  two.start(['-healthz-port=8471']);
});

const ask = (host: OverlayHost, path: string, address = '127.0.0.1') =>
  host.sh(`curl -s -w ' %{http_code}' http://${address}:8471${path} || true`);

test('/healthz is 200 "flanneld is running" from the start; /readyz is 503 with what is waited for until all is ready, then 200', async () => {
  await waitsFor(made, one, 'config is not in etcd');
  expect(ask(one, '/healthz')).toBe('flanneld is running 200');
  expect(ask(one, '/readyz')).toMatch(
    /^flanneld is not ready: .*\/coreos\.com\/network\/config is not in etcd 503$/,
  );
  expect(one.manager.told()).not.toContain('READY=1');
  made.put('config', '{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}');
  await made.ready(one);
  expect(ask(one, '/readyz')).toBe('flanneld is ready 200');
  expect(one.manager.told()).toContain('READY=1');
  expect(ask(one, '/other')).toMatch(/ 404$/);
});

test('/metrics is there besides (flanneld has none)', () => {
  expect(ask(one, '/metrics')).toMatch(/^flatland_agent_ready 1$/m);
});

test('-healthz-ip is the one address that listens, by default all do; without -healthz-port nothing listens', async () => {
  const listening = (host: OverlayHost) => host.sh('ss -Hltn').trim();
  expect(listening(one)).toMatch(/127\.0\.0\.1:8471/);
  expect(ask(one, '/healthz', one.address)).toBe(' 000');
  await made.ready(two);
  expect(ask(one, '/healthz', two.address)).toBe('flanneld is running 200');
  await two.end('SIGTERM');
  two.start();
  await made.ready(two);
  expect(listening(two)).toBe('');
});

test('an agent that stays without etcd is ready as long as packets flow, and says so in its metrics', async () => {
  await made.etcd().stop();
  await made.until('etcd missed', () => (ask(one, '/metrics').includes('etcd_connected 0') ? true : null));
  expect(ask(one, '/readyz')).toBe('flanneld is ready 200');
  expect(one.ok(`curl -s ${endpoint}/health`)).toBe(false);
});
