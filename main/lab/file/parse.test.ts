import { describe, expect, test } from 'vitest';
import { Failure } from '../../failure.ts';
import { parseLabFile } from './parse.ts';

/** What is said about a lab file that is wrong, one problem a line. */
function problemsOf(text: string, path = 'lab.yaml'): string[] {
  try {
    parseLabFile(path, text);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    expect(thrown.error.code).toBe('lab-file-invalid');
    return thrown.error.message.split('\n');
  }
  return [];
}

/** Two hosts on lines 1 to 4; what is tried begins on line 5. */
const two = 'name: demo\nhosts:\n  - name: h1\n  - name: h2\n';
const pods = (...lines: string[]) => `${two}pods:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const top = 'name, network, underlay, hosts, etcd, pods';

test('the defaults are filled in', () => {
  expect(parseLabFile('lab.yaml', pods('{name: web, host: h2}'))).toEqual({
    name: 'demo',
    network: { subnetLength: 24, backend: { type: 'vxlan', vni: 1, port: 8472, directRouting: false } },
    underlay: { mtu: 1500 },
    hosts: [
      { name: 'h1', provider: { type: 'sandbox' } },
      { name: 'h2', provider: { type: 'sandbox' } },
    ],
    etcd: { tls: true },
    pods: [{ name: 'web', host: 'h2', image: 'flatland/pod', ports: [80], labels: {} }],
  });
});

test('a backend by name has the same defaults as one with options', () => {
  const byName = parseLabFile('lab.yaml', `${two}network: {backend: udp}\n`);
  expect(byName.network.backend).toEqual({ type: 'udp', port: 8285 });
  expect(parseLabFile('lab.yaml', `${two}network: {backend: {type: udp}}\n`)).toEqual(byName);
});

const cases: Record<string, readonly (readonly [what: string, text: string, ...problems: string[]])[]> = {
  'unknown keys': [
    ['at the top', `${two}netwrok: {}\n`, '5:1: unknown key `netwrok`, did you mean `network`?'],
    [
      'in a section',
      `${two}network:\n  bakcend: udp\n`,
      '6:3: unknown key `bakcend` in `network`, did you mean `backend`?',
    ],
    [
      'in a list',
      'name: demo\nhosts:\n  - name: h1\n    providr: sandbox\n',
      '4:5: unknown key `providr` in `hosts[0]`, did you mean `provider`?',
    ],
    ['nothing near', `${two}zzzzzzzz: 1\n`, `5:1: unknown key \`zzzzzzzz\`; known: ${top}`],
    [
      'of a backend',
      `${two}network:\n  backend: {type: vxlan, ports: 1}\n`,
      '6:26: unknown key `ports` in `network.backend`, did you mean `port`?',
    ],
    [
      'of another backend',
      `${two}network:\n  backend: {type: udp, vni: 1}\n`,
      '6:24: unknown key `vni` in `network.backend`; known: type, port',
    ],
    ['that are no words', `${two}true: 1\n`, `5:1: unknown key \`true\`; known: ${top}`],
  ],
  'wrong values': [
    ['a word for a list', 'name: demo\nhosts: three\n', '2:8: `hosts` must be a list (`- item`)'],
    ['a number for text', 'name: 12\nhosts:\n  - name: h1\n', '1:7: `name` must be text; put it in quotes'],
    ['a list for text', 'name: [a]\nhosts:\n  - name: h1\n', '1:7: `name` must be text'],
    ['text for a switch', `${two}etcd: {tls: yes}\n`, '5:13: `etcd.tls` must be true or false'],
    [
      'nothing for a section',
      `${two}network:\n`,
      '5:9: `network` has no value; it must be a mapping (`key: value`)',
    ],
    ['nothing for a list', `${two}pods:\n`, '5:6: `pods` has no value; it must be a list (`- item`)'],
    ['a word for a host', 'name: demo\nhosts:\n  - h1\n', '3:5: `hosts[0]` must be a mapping (`key: value`)'],
    ['half a byte', `${two}underlay: {mtu: 1500.5}\n`, '5:17: `underlay.mtu` must be a whole number'],
    ['no number', `${two}underlay: {mtu: .nan}\n`, '5:17: `underlay.mtu` must be a whole number'],
    ['too small', `${two}underlay: {mtu: 1279}\n`, '5:17: `underlay.mtu` must be at least 1280'],
    ['too big', `${two}underlay: {mtu: 9217}\n`, '5:17: `underlay.mtu` must be at most 9216'],
    ['no name', 'hosts:\n  - name: h1\n', '1:1: `name` is missing'],
    ['no hosts', 'name: demo\n', '1:1: `hosts` is missing'],
    ['an empty list of hosts', 'name: demo\nhosts: []\n', '2:8: `hosts` must have at least one host'],
    [
      'too many hosts',
      `name: demo\nhosts:\n${Array.from({ length: 65 }, (_, index) => `  - name: host${index}\n`).join('')}`,
      '3:3: `hosts` must have at most 64 hosts',
    ],
    [
      'a mistyped provider',
      'name: demo\nhosts:\n  - name: h1\n    provider: sanbox\n',
      '4:15: `hosts[0].provider` must be sandbox',
    ],
    [
      'a provider without its type',
      'name: demo\nhosts:\n  - name: h1\n    provider: {memory: 1024}\n',
      '4:15: `hosts[0].provider.type` is missing; it must be sandbox',
    ],
    [
      'little memory',
      'name: demo\nhosts:\n  - name: h1\n    provider: {type: sandbox, memory: 10}\n',
      '4:39: `hosts[0].provider.memory` must be at least 128',
    ],
    [
      'ports',
      pods('{name: a1, host: h1, ports: [0, 70000, "80", 80]}'),
      '6:34: `pods[0].ports[0]` must be at least 1',
      '6:37: `pods[0].ports[1]` must be at most 65535',
      '6:44: `pods[0].ports[2]` must be a whole number',
    ],
    [
      'an image with a space',
      pods('{name: a1, host: h1, image: "bad image"}'),
      '6:33: `pods[0].image` must be an image reference such as nginx:1.27 or registry.example/team/web:2',
    ],
    [
      'an image that is an option',
      pods('{name: a1, host: h1, image: --privileged}'),
      '6:33: `pods[0].image` must be an image reference such as nginx:1.27 or registry.example/team/web:2',
    ],
    [
      'a command as text',
      pods('{name: a1, host: h1, command: sleep 60}'),
      '6:35: `pods[0].command` must be a list (`- item`)',
    ],
    [
      'a number in a command',
      pods('{name: a1, host: h1, command: [sleep, 60]}'),
      '6:43: `pods[0].command[1]` must be text; put it in quotes',
    ],
    [
      'a number as a label',
      pods('{name: a1, host: h1, labels: {a: 1}}'),
      '6:38: `pods[0].labels.a` must be text; put it in quotes',
    ],
  ],
  backends: [
    [
      'mistyped',
      `${two}network: {backend: vxlna}\n`,
      '5:20: `network.backend` must be vxlan, udp or host-gw, did you mean `vxlan`?',
    ],
    [
      'mistyped as an object',
      `${two}network: {backend: {type: hostgw}}\n`,
      '5:27: `network.backend.type` must be vxlan, udp or host-gw, did you mean `host-gw`?',
    ],
    [
      'without a type',
      `${two}network: {backend: {vni: 1}}\n`,
      '5:20: `network.backend.type` is missing; it must be vxlan, udp or host-gw',
    ],
    [
      'unknown',
      `${two}network: {backend: wireguard}\n`,
      '5:20: `network.backend` must be vxlan, udp or host-gw',
    ],
    ['a number', `${two}network: {backend: 7}\n`, '5:20: `network.backend` must be vxlan, udp or host-gw'],
    [
      'an option out of range',
      `${two}network: {backend: {type: vxlan, vni: 16777216}}\n`,
      '5:39: `network.backend.vni` must be at most 16777215',
    ],
  ],
  names: [
    [
      'no DNS label',
      'name: demo\nhosts:\n  - name: Host_1\n  - name: -bad\n  - name: a.b\n',
      ...[3, 4, 5].map(
        (line) =>
          `${line}:11: \`hosts[${line - 3}].name\` must be a DNS label: a-z, 0-9 and inner hyphens, at most 63 characters`,
      ),
    ],
    [
      'a way out of a folder',
      'name: ../etc\nhosts:\n  - name: h1\n',
      '1:7: `name` must be a DNS label: a-z, 0-9 and inner hyphens, at most 63 characters',
    ],
    [
      'too short',
      'name: demo\nhosts:\n  - name: a\n',
      '3:11: `hosts[0].name` must have at least 2 characters',
    ],
    [
      'too long',
      `name: ${'a'.repeat(33)}\nhosts:\n  - name: h1\n`,
      '1:7: `name` must have at most 32 characters',
    ],
    [
      'two hosts',
      'name: demo\nhosts:\n  - name: h1\n  - name: h1\n',
      '4:11: `hosts[1].name` `h1` is the name of a host already',
    ],
    [
      'two pods, also on two hosts',
      pods('{name: a1, host: h1}', '{name: a1, host: h2}'),
      '7:12: `pods[1].name` `a1` is the name of a pod already',
    ],
    [
      'a pod like a host',
      pods('{name: h1, host: h2}'),
      '6:12: `pods[0].name` `h1` is the name of a host already',
    ],
    [
      'the host of a pod, mistyped',
      'name: demo\nhosts:\n  - name: server1\npods:\n  - {name: a1, host: sever1}\n',
      '5:22: `pods[0].host` `sever1` is no host of this lab, did you mean `server1`?',
    ],
    [
      'the host of a pod, unknown',
      pods('{name: a1, host: h3}'),
      '6:22: `pods[0].host` `h3` is no host of this lab; known: h1, h2',
    ],
  ],
  ranges: [
    [
      'that overlap',
      `${two}network: {cidr: 10.1.0.0/16}\nunderlay: {cidr: 10.1.2.0/24}\n`,
      '6:18: `underlay.cidr` 10.1.2.0/24 overlaps the overlay 10.1.0.0/16',
    ],
    [
      'an underlay without room',
      `${two}underlay: {cidr: 10.1.2.0/30}\n`,
      '5:18: `underlay.cidr` 10.1.2.0/30 has room for 1 of the 2 hosts beside the gateway',
    ],
    [
      'an overlay that is too small',
      `${two}network: {cidr: 10.1.0.0/29, subnetLength: 30}\n`,
      '5:17: `network.cidr` 10.1.0.0/29 is too small for an overlay: its prefix length is at most 28',
    ],
    [
      'an overlay without room',
      'name: demo\nnetwork: {cidr: 10.1.0.0/22, subnetLength: 24}\nhosts: [{name: h1}, {name: h2}, {name: h3}, {name: h4}]\n',
      '2:17: `network.cidr` leaves room for 3 of the 4 hosts: 10.1.0.0/22 is cut into subnets of prefix length 24, and flannel leaves out the first',
    ],
    [
      'subnets longer than flannel has',
      `${two}network: {subnetLength: 31}\n`,
      '5:25: `network.subnetLength` must be at most 30',
    ],
    [
      'subnets shorter than the overlay allows',
      `${two}network: {subnetLength: 17}\n`,
      '5:25: `network.subnetLength` is 17, but subnets of 10.77.0.0/16 have a prefix length from 18 to 30',
    ],
    [
      'subnets as long as a written overlay',
      `${two}network: {cidr: 10.1.0.0/24}\n`,
      '5:1: `network.subnetLength` is 24, but subnets of 10.1.0.0/24 have a prefix length from 26 to 30',
    ],
    [
      'loopback and multicast',
      `${two}network: {cidr: 127.0.0.0/16}\nunderlay: {cidr: 224.0.0.0/24}\n`,
      '5:17: `network.cidr` 127.0.0.0/16 overlaps 127.0.0.0/8 (loopback); take a private range such as 10.77.0.0/16',
      '6:18: `underlay.cidr` 224.0.0.0/24 overlaps 224.0.0.0/4 (multicast); take a private range such as 10.77.0.0/16',
    ],
    [
      'everything',
      `${two}network: {cidr: 0.0.0.0/0}\n`,
      '5:17: `network.cidr` 0.0.0.0/0 overlaps 0.0.0.0/8 ("this network"); take a private range such as 10.77.0.0/16',
    ],
    [
      'an address inside',
      `${two}network: {cidr: 10.1.2.0/16}\n`,
      '5:17: `network.cidr` 10.1.2.0/16 does not begin at its base, did you mean 10.1.0.0/16?',
    ],
    [
      'a number over 255',
      `${two}network: {cidr: 10.1.999.0/16}\n`,
      '5:17: `network.cidr` 10.1.999.0/16 is not an IPv4 range: each number is at most 255 without leading zeros, the prefix length at most 32',
    ],
    [
      'a leading zero',
      `${two}network: {cidr: 10.01.0.0/16}\n`,
      '5:17: `network.cidr` 10.01.0.0/16 is not an IPv4 range: each number is at most 255 without leading zeros, the prefix length at most 32',
    ],
    [
      'a prefix over 32',
      `${two}network: {cidr: 10.1.0.0/33}\n`,
      '5:17: `network.cidr` 10.1.0.0/33 is not an IPv4 range: each number is at most 255 without leading zeros, the prefix length at most 32',
    ],
    [
      'a word',
      `${two}network: {cidr: ten}\n`,
      '5:17: `network.cidr` must be an IPv4 range such as 10.77.0.0/16',
    ],
    [
      'IPv6',
      `${two}network: {cidr: "fd00::/64"}\n`,
      '5:17: `network.cidr` must be an IPv4 range such as 10.77.0.0/16',
    ],
    [
      'more pods than addresses',
      `${two}network: {subnetLength: 30}\npods:\n  - {name: a1, host: h1}\n  - {name: a2, host: h1}\n  - {name: a3, host: h1}\n`,
      "8:22: `pods[1].host` `h1` has more pods than addresses: its subnet of prefix length 30 has 1 beside docker0's",
    ],
  ],
  etcd: [
    [
      'more members than hosts',
      `${two}etcd: {members: 3}\n`,
      '5:17: `etcd.members` is 3, but the lab has 2 hosts',
    ],
    ['an even number', `${two}etcd: {members: 2}\n`, '5:17: `etcd.members` must be 1, 3 or 5'],
    ['text', `${two}etcd: {members: "3"}\n`, '5:17: `etcd.members` must be 1, 3 or 5, did you mean `3`?'],
  ],
  YAML: [
    ['an open quote', 'name: demo\nhosts:\n  - name: "h1\n', '4:1: Missing closing "quote'],
    [
      'a wrong indent',
      'name: demo\n hosts:\n  - name: h1\n',
      '1:7: Nested mappings are not allowed in compact mappings',
    ],
    ['a tab', 'name: demo\nhosts:\n\t- name: h1\n', '3:1: YAML indents with spaces, not with tabs'],
    ['a key twice', `${two}name: other\n`, '5:1: key `name` is on line 1 already'],
    [
      'a key twice further in',
      'name: demo\nhosts:\n  - name: h1\n    name: h2\n',
      '4:5: key `name` is on line 3 already',
    ],
    [
      'two documents',
      `${two}---\nname: x\n`,
      '5:1: a lab file holds one YAML document; remove what follows the second `---`',
    ],
    ['an empty file', '', '1:1: the lab file is empty'],
    ['only a comment', '# nothing\n', '1:1: the lab file is empty'],
    ['a word', 'hello\n', '1:1: a lab file must be a mapping (`key: value`)'],
    ['a list', '- a\n', '1:1: a lab file must be a mapping (`key: value`)'],
    ['a key that is a list', `${two}? [a]\n: 1\n`, '5:3: a key must be plain text'],
    ['an unknown tag', 'name: !foo demo\nhosts:\n  - name: h1\n', '1:7: Unresolved tag: !foo'],
    [
      'line ends of Windows',
      'name: demo\r\nhosts:\r\n  - name: h1\r\nnetwrok: 1\r\n',
      '4:1: unknown key `netwrok`, did you mean `network`?',
    ],
    [
      'a byte order mark',
      '\ufeffname: demo\nhosts:\n  - name: h1\nnetwrok: 1\n',
      '4:1: unknown key `netwrok`, did you mean `network`?',
    ],
    [
      'an alias of a host',
      'name: demo\nhosts:\n  - &h {name: h1}\n  - *h\n',
      '4:5: `hosts[1].name` `h1` is the name of a host already',
    ],
    [
      'an alias without its anchor',
      'name: demo\nhosts: *x\n',
      '2:8: `*x` means nothing: there is no anchor `&x` before it',
    ],
    [
      'an alias before its anchor',
      'name: *x\nhosts:\n  - name: &x h1\n',
      '1:7: `*x` means nothing: there is no anchor `&x` before it',
    ],
    [
      'a merge key, which YAML 1.2 has not',
      'name: demo\nhosts:\n  - &h {name: h1}\n  - {<<: *h, name: h2}\n',
      '4:6: unknown key `<<` in `hosts[1]`; known: name, provider',
    ],
    [
      'an alias of what is around it',
      'name: demo\nhosts: &h\n  - *h\n',
      '3:5: `hosts[0]` must be a mapping (`key: value`)',
    ],
    [
      'a bomb of aliases',
      `a: &a [${'x,'.repeat(9)}x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]\n`,
      '1:1: the file has too many aliases',
    ],
    [
      'more than 1 MiB',
      `${two}# ${'x'.repeat(1024 * 1024)}`,
      '1:1: the file is too large: a lab file has at most 1 MiB',
    ],
  ],
};

describe.each(Object.entries(cases))('%s', (_, list) => {
  test.each(list)('%s', (_what, text, ...problems) => {
    expect(problemsOf(text)).toEqual(problems.map((problem) => `lab.yaml:${problem}`));
  });
});

test('several problems come at once, in the order of the file', () => {
  const text = [
    'name: demo',
    'nmae: other',
    'network: {backend: vxlna, cidr: 10.1.2.0/16}',
    'hosts:',
    '  - name: h1',
    '  - name: h1',
    'etcd: {members: 3}',
    'pods:',
    '  - {name: a1, host: hh}',
    '',
  ].join('\n');
  expect(problemsOf(text)).toEqual([
    'lab.yaml:2:1: unknown key `nmae`, did you mean `name`?',
    'lab.yaml:3:20: `network.backend` must be vxlan, udp or host-gw, did you mean `vxlan`?',
    'lab.yaml:6:11: `hosts[1].name` `h1` is the name of a host already',
    'lab.yaml:7:17: `etcd.members` is 3, but the lab has 2 hosts',
    'lab.yaml:9:22: `pods[0].host` `hh` is no host of this lab; known: h1',
  ]);
});

test('ten problems are enough to begin with', () => {
  const problems = problemsOf(
    `${two}${Array.from({ length: 15 }, (_, index) => `zz${index}: 1\n`).join('')}`,
  );
  expect(problems).toHaveLength(11);
  expect(problems[9]).toMatch(/^lab\.yaml:14:1: /);
  expect(problems[10]).toBe('… and 5 more');
});

test.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])(
  'the key %s is a key like any other',
  (key) => {
    expect(problemsOf(`${two}${key}:\n  polluted: true\n`)).toEqual([
      `lab.yaml:5:1: unknown key \`${key}\`; known: ${top}`,
    ]);
    expect(problemsOf(`${two}network:\n  ${key}: 1\n`)[0]).toContain(
      `6:3: unknown key \`${key}\` in \`network\``,
    );
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  },
);

test('labels may have any name, and none of them reaches a prototype', () => {
  const file = parseLabFile(
    'lab.yaml',
    pods('{name: a1, host: h1, labels: {__proto__: x, constructor: y, plain: z}}'),
  );
  const labels = file.pods[0]?.labels ?? {};
  expect(labels['constructor']).toBe('y');
  expect(labels['plain']).toBe('z');
  expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
  expect(Reflect.get({}, 'plain')).toBeUndefined();
});

test('nothing of a file or its path can steer a terminal', () => {
  const text = 'name: "\\e[31mred"\nhosts:\n  - name: h1\n"\\e]0;title\\a\\u202eevil": 1\n';
  const problems = problemsOf(text, 'a\u001b[2Jb\n.yaml');
  expect(problems).toHaveLength(2);
  expect(problems.join('')).toMatch(/^[\x20-\x7e]*$/);
  expect(problems[1]).toBe(`a[2Jb.yaml:4:1: unknown key \`]0;titleevil\`; known: ${top}`);
});

test('a long wrong word is shortened', () => {
  const [problem = ''] = problemsOf(`${two}${'z'.repeat(900)}: 1\n`);
  expect(problem.length).toBeLessThan(300);
  expect(problem).toContain('…');
});

test.each([
  ['lists in lists', `${two}network: ${'['.repeat(5000)}${']'.repeat(5000)}\n`],
  ['mappings in mappings', Array.from({ length: 1200 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ['many keys', Array.from({ length: 30_000 }, (_, index) => `k${index}: 1\n`).join('')],
  ['many times the same key', 'a: 1\n'.repeat(50_000)],
  ['many aliases', `a: &a 1\nb: [${'*a,'.repeat(50_000)}]\n`],
  ['a long line', `name: ${'a'.repeat(1_000_000)}\n`],
  ['a million quotes', `name: ${"'".repeat(1_000_000)}\n`],
])(
  '%s are refused within seconds',
  (_, text) => {
    const began = performance.now();
    expect(problemsOf(text).length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(10_000);
  },
  20_000,
);
