import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type OverlayHost, subnetFile, type TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor, waitsFor } from '../overlays.ts';

/* What agents write for others on their host, and what they tell the service manager. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
beforeAll(async () => {
  made = await overlays.make(1, { Network: '10.5.7.0/16', Backend: { Type: 'vxlan' } });
  one = hostOf(made, 1);
});

const textOf = (mtu: number) =>
  `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=true\n`;
const isReady = () => one.manager.told().some((message) => message.split('\n').includes('READY=1'));

test('subnet.env has these bytes and the mode 0644, its folder is made, and READY is told to systemd only after it', async () => {
  // No folder can be made below a file.
  writeFileSync(join(one.files, 'made'), '');
  const path = join(one.files, 'made', 'flannel', 'subnet.env');
  one.start([`-subnet-file=${path}`]);
  await waitsFor(made, one, path);
  made.put(
    'subnets/10.5.9.0-24',
    '{"PublicIP":"192.168.50.99","BackendType":"vxlan","BackendData":{"VtepMAC":"02:00:00:00:00:99"}}',
  );
  // Packets flow, but nobody could know of it.
  await made.until('a programmed peer', async () =>
    (await one.status())?.peers[0]?.state === 'programmed' ? true : null,
  );
  expect(isReady()).toBe(false);
  made.remove('subnets/10.5.9.0-24');
  rmSync(join(one.files, 'made'));
  await made.until('READY', () => (isReady() ? true : null));
  expect(readFileSync(path, 'utf8')).toMatch(
    /^FLANNEL_NETWORK=10\.5\.0\.0\/16\nFLANNEL_SUBNET=10\.5\.\d+\.1\/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n$/,
  );
  expect(statSync(path).mode & 0o777).toBe(0o644);
  await made.ready(one, 0);
  expect(await one.end('SIGINT')).toBe(0);
  const [key = ''] = made.names().filter((name) => name.startsWith('subnets/'));
  made.remove(key);
});

test('it is another file at each write, so that whoever reads it finds the old or the new text whole', async () => {
  one.start();
  await made.ready(one);
  const path = join(one.files, 'subnet.env');
  expect(subnetFile(one)).toBe(textOf(1450));
  // As long as it is open, nobody else gets its number.
  const old = openSync(path, 'r');
  const seen = new Map<string, number>();
  let reading = true;
  const reader = (async () => {
    while (reading) {
      const text = await readFile(path, 'utf8');
      seen.set(text, (seen.get(text) ?? 0) + 1);
    }
  })();
  try {
    const sizes = [1400, 1300, 1500];
    for (const size of sizes) {
      one.sh(`ip link set eth0 mtu ${size}`);
      await made.until(`text for ${size}`, () => (seen.has(textOf(size - 50)) ? true : null));
    }
    await made.ready(one);
    expect(statSync(path).ino).not.toBe(fstatSync(old).ino);
    expect(readFileSync(old, 'utf8')).toBe(textOf(1450));
    expect([...seen.keys()].sort()).toEqual([1250, 1350, 1450].map(textOf));
    expect(one.sh(`ls -A ${one.files}`)).not.toContain('.subnet.env');
  } finally {
    reading = false;
    await reader;
    closeSync(old);
  }
});

const bip = 'DOCKER_OPT_BIP="--bip=10.5.1.1/24"\n';
const masq = 'DOCKER_OPT_IPMASQ="--ip-masq=false"\n';
const mtu = 'DOCKER_OPT_MTU="--mtu=1450"\n';
const all = '" --bip=10.5.1.1/24 --ip-masq=false --mtu=1450"\n';

test('-docker-options-file gets at once what mk-docker-opts.sh would write: --ip-masq is the inverse of FLANNEL_IPMASQ', async () => {
  const expected = `${bip}${masq}${mtu}DOCKER_OPTS=${all}`;
  await made.until('those options', () =>
    readFileSync(join(one.files, 'docker.env'), 'utf8') === expected ? true : null,
  );
});

test('mk-docker-opts with -f -d -i -c -k -m', () => {
  const from = join(one.files, 'subnet.env');
  const to = join(one.files, 'opts.env');
  const write = (...flags: string[]) => {
    const { code, stderr } = one.run(['mk-docker-opts', '-f', from, '-d', to, ...flags]);
    expect([code, stderr]).toEqual([0, '']);
    return readFileSync(to, 'utf8');
  };
  expect(write()).toBe(`${bip}${masq}${mtu}DOCKER_OPTS=${all}`);
  expect(write('-i')).toBe(`${bip}${masq}${mtu}`);
  expect(write('-c', '-k', 'MY_OPTS')).toBe(`MY_OPTS=${all}`);
  expect(write('-m', '-c')).toBe('DOCKER_OPTS=" --bip=10.5.1.1/24 --mtu=1450"\n');
  const asked = one.run(['mk-docker-opts', '-x']);
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('/run/flannel/subnet.env')]);
  expect(asked.stderr).toContain('/run/docker_opts.env');
});

test('mk-docker-opts ends with 1 and writes nothing when the subnet is routed through another host', () => {
  const to = join(one.files, 'none.env');
  const write = () => one.run(['mk-docker-opts', '-f', join(one.files, 'subnet.env'), '-d', to]).code;
  one.sh('ip addr del 10.5.1.1/24 dev pod0; ip route add 10.5.1.0/24 via 192.168.50.99');
  expect(write()).toBe(1);
  expect(one.ok(`test -e ${to}`)).toBe(false);
  one.sh('ip route del 10.5.1.0/24');
  expect(write()).toBe(0);
});
