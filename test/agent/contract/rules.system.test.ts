import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { OverlayHost, TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor } from '../overlays.ts';

/* The iptables rules of whole agents, in the order in which the kernel has them. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
let two: OverlayHost;
let three: OverlayHost;

const masqueradeOf = (number: number, random: string) =>
  [
    '-s 10.5.N.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
    '-s 10.5.0.0/16 -d 10.5.N.0/24 -m comment --comment "flanneld masq" -j RETURN',
    '! -s 10.5.0.0/16 -d 10.5.N.0/24 -m comment --comment "flanneld masq" -j RETURN',
    `-s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE${random}`,
    `! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE${random}`,
  ].map((rule) => `-A FLANNEL-POSTRTG ${rule.replace('10.5.N.0', `10.5.${number}.0`)}`);
const mark = '-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN';
const jump = '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG';
const forward = [
  '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
  '-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
  '-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
];
const users = {
  nat: '-A POSTROUTING -s 198.51.100.0/24 -j RETURN',
  filter: '-A FORWARD -s 198.51.100.0/24 -j DROP',
};

/** The rules of a table in the order of their chains, ours after the built-in ones. */
const rulesOf = (host: OverlayHost, table: 'nat' | 'filter') => {
  const all = host.sh(`iptables-save -t ${table} | grep -e ^-A || true`).split('\n').filter(Boolean);
  return [
    ...all.filter((line) => !line.startsWith('-A FLANNEL')),
    ...all.filter((line) => line.startsWith('-A FLANNEL')),
  ];
};
const tablesOf = (host: OverlayHost) => ({ nat: rulesOf(host, 'nat'), filter: rulesOf(host, 'filter') });
const whole = (number: number, random = ' --random-fully') => ({
  nat: [users.nat, jump, mark, ...masqueradeOf(number, random)],
  filter: [users.filter, ...forward],
});
const oldMasquerade = (number: number) => `
*nat
:FLANNEL-POSTRTG - [0:0]
-I POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
${mark}
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.${number}.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
COMMIT
`;
const oldForward = `
*filter
:FLANNEL-FWD - [0:0]
-I FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
${forward.slice(1).join('\n')}
COMMIT
`;

beforeAll(async () => {
  made = await overlays.make(3, { Network: '10.5.0.0/16', Backend: { Type: 'alloc' } });
  [one, two, three] = [hostOf(made, 1), hostOf(made, 2), hostOf(made, 3)];
  for (const host of made.hosts) {
    host.sh(`iptables -t nat ${users.nat}; iptables ${users.filter}`);
    writeFileSync(
      join(host.files, 'old.rules'),
      oldMasquerade(host.number) + (host === two ? oldForward : ''),
    );
    host.sh(`iptables-restore --noflush ${host.files}/old.rules`);
  }
  one.start(['-iptables-resync=1']);
  two.start(['-ip-masq-fully-random-disable', '-iptables-forward-rules=false']);
  three.start(['-ip-masq=false']);
  for (const host of made.hosts) await made.ready(host);
});

test('nat and filter are those of flannel’s HEAD byte for byte, after the user’s own; what v0.20 left is replaced', () => {
  expect(tablesOf(one)).toEqual(whole(1));
});

test('-ip-masq-fully-random-disable, -iptables-forward-rules=false and -ip-masq=false leave theirs out, also those of an earlier life', () => {
  expect(tablesOf(two)).toEqual({ nat: whole(2, '').nat, filter: [users.filter] });
  expect(tablesOf(three)).toEqual({ nat: [users.nat], filter: whole(3).filter });
  expect(two.sh('iptables-save -t filter')).not.toContain('FLANNEL');
});

test('all are made again when any is missing, changed or flushed, every -iptables-resync seconds', async () => {
  const again = (what: string) =>
    made.until(`rules after: ${what}`, () =>
      JSON.stringify(tablesOf(one)) === JSON.stringify(whole(1)) ? true : null,
    );
  const damages = [
    'iptables -t nat -D FLANNEL-POSTRTG 3',
    'iptables -t nat -I FLANNEL-POSTRTG -j RETURN; iptables -D FLANNEL-FWD 1',
    `iptables -t nat -F; iptables -t nat -X; iptables -F; iptables -X; iptables -t nat ${users.nat}; iptables ${users.filter}`,
  ];
  for (const damage of damages) {
    one.sh(damage);
    expect([damage, tablesOf(one)]).not.toEqual([damage, whole(1)]);
    await again(damage);
  }
  expect((await one.status())?.repairs).toBeGreaterThan(0);
});

test('without --random-fully where iptables is older than 1.6.2', async () => {
  const directory = join(three.files, 'bin');
  mkdirSync(directory);
  const save = join(directory, 'iptables-save');
  const path = process.env['PATH'];
  const script = [
    '#!/bin/sh',
    'case "$*" in *--version*) echo "iptables-save v1.6.1"; exit;; esac',
    `PATH="${path}" exec iptables-save "$@"`,
  ];
  writeFileSync(save, script.join('\n'));
  chmodSync(save, 0o755);
  await three.end('SIGTERM');
  three.start([], { PATH: `${directory}:${path}` });
  await made.ready(three);
  expect(tablesOf(three)).toEqual(whole(3, ''));
});
