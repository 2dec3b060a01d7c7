import { expect, test } from 'vitest';
import { parseCidr } from '../../contract/ipv4.ts';
import {
  forwardPlace,
  forwardRules,
  masqueradePlace,
  masqueradeRules,
  parseVariant,
  planChain,
} from './rules.ts';

const network = parseCidr('10.5.0.0/16') ?? { base: 0, length: 0 };
const subnet = parseCidr('10.5.1.0/24') ?? { base: 0, length: 0 };
const wish = { network, subnet, masquerade: true, forward: true };

const saved = (lines: readonly string[], chains: readonly string[] = []) =>
  [
    '*nat',
    ':POSTROUTING ACCEPT [5:300]',
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...lines,
    'COMMIT',
    '',
  ].join('\n');

test('the rules are those of flannel, in its order', () => {
  const comment = '-m comment --comment "flanneld masq"';
  expect(masqueradeRules(wish)).toEqual([
    `-m mark --mark 0x4000/0x4000 ${comment} -j RETURN`,
    `-s 10.5.1.0/24 -d 10.5.0.0/16 ${comment} -j RETURN`,
    `-s 10.5.0.0/16 -d 10.5.1.0/24 ${comment} -j RETURN`,
    `! -s 10.5.0.0/16 -d 10.5.1.0/24 ${comment} -j RETURN`,
    `-s 10.5.0.0/16 ! -d 224.0.0.0/4 ${comment} -j MASQUERADE --random-fully`,
    `! -s 10.5.0.0/16 -d 10.5.0.0/16 ${comment} -j MASQUERADE --random-fully`,
  ]);
  expect(masqueradeRules({ ...wish, fullyRandom: false }).join()).not.toContain('random');
  expect(forwardRules(wish)).toEqual([
    '-s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
    '-d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
  ]);
});

test('an empty table gets chain, jump and rules in one transaction', () => {
  const plan = planChain(saved([]), forwardPlace, forwardRules(wish));
  expect(plan).toEqual({
    repairs: 3,
    restore: [
      '*filter',
      ':FLANNEL-FWD - [0:0]',
      '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
      '-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
      '-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
      'COMMIT',
      '',
    ].join('\n'),
  });
});

test('nothing is done when all is there, wherever the jump stands among others', () => {
  const rules = masqueradeRules(wish);
  const lines = [
    '-A POSTROUTING -s 1.2.3.4/32 -j ACCEPT',
    '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
    '-A POSTROUTING -j KUBE-POSTROUTING',
    ...rules.map((rule) => `-A FLANNEL-POSTRTG ${rule}`),
  ];
  const text = saved(lines, ['FLANNEL-POSTRTG']);
  expect(planChain(text, masqueradePlace, rules)).toBe(null);
  const removal = planChain(text, masqueradePlace, null);
  expect(removal?.restore.split('\n')).toEqual([
    '*nat',
    ':FLANNEL-POSTRTG - [0:0]',
    '-D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
    '-X FLANNEL-POSTRTG',
    'COMMIT',
    '',
  ]);
  expect(planChain(saved([]), masqueradePlace, null)).toBe(null);
  // An older flannel's chain: another rule and its jump twice.
  const old = saved([...lines, lines[1] ?? '', '-A FLANNEL-POSTRTG -j RETURN'], ['FLANNEL-POSTRTG']);
  const plan = planChain(old, masqueradePlace, rules);
  expect(plan?.restore.match(/^-D POSTROUTING/gm)).toHaveLength(2);
  expect(plan?.restore.match(/^-A POSTROUTING/gm)).toHaveLength(1);
});

test.each([
  ['iptables-save v1.8.9 (nf_tables)\n', true, true],
  ['iptables-save v1.8.4 (legacy)\n', false, true],
  ['iptables-save v1.10\n', false, true],
  ['iptables-save v1.6.2\n', false, true],
  ['iptables-save v1.6.1\n', false, false],
  ['iptables-save v1.4.21\n', false, false],
])('%j', (text, nftables, fullyRandom) => {
  expect(parseVariant(text)).toEqual({ nftables, fullyRandom });
});
