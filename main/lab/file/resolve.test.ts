import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cidrContains, cidrsOverlap, formatCidr, parseCidr, parseIpv4 } from '../../../contract/ipv4.ts';
import { type Lab, type LabFile, labFile } from '../../../contract/lab.ts';
import { arbitraryLabFile, labOf } from '../../../test/support/labs.ts';
import { Failure } from '../../failure.ts';
import { checkMeaning } from './check.ts';
import { findClashes, type TakenRange } from './ranges.ts';
import { resolveLab } from './resolve.ts';

const file = (change: Record<string, unknown> = {}): LabFile =>
  labFile.parse({ name: 'demo', hosts: [{ name: 'h1' }, { name: 'h2' }, { name: 'h3' }], ...change });

const hosts = (...names: string[]) => names.map((name) => ({ name }));

const resolve = (subject: LabFile, taken: readonly TakenRange[] = [], previous: Lab | null = null): Lab =>
  resolveLab({ file: subject, id: '0123abcd', taken, previous });

function clashOf(subject: LabFile, taken: readonly TakenRange[], previous: Lab | null = null) {
  try {
    resolve(subject, taken, previous);
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.error;
    throw thrown;
  }
  throw new Error('it was resolved');
}

const range = (text: string) => {
  const parsed = parseCidr(text);
  if (parsed === null) throw new Error(`${text} is no range`);
  return parsed;
};

test('a lab with nothing in its way', () => {
  expect(resolve(file({ pods: [{ name: 'a1', host: 'h2' }] }))).toEqual({
    name: 'demo',
    id: '0123abcd',
    network: {
      cidr: '10.77.0.0/16',
      subnetLength: 24,
      backend: { type: 'vxlan', vni: 1, port: 8472, directRouting: false },
    },
    underlay: { cidr: '10.210.0.0/24', mtu: 1500, gateway: '10.210.0.1' },
    hosts: [
      { name: 'h1', address: '10.210.0.11', provider: { type: 'sandbox' } },
      { name: 'h2', address: '10.210.0.12', provider: { type: 'sandbox' } },
      { name: 'h3', address: '10.210.0.13', provider: { type: 'sandbox' } },
    ],
    etcd: { members: ['h1', 'h2', 'h3'], tls: true },
    pods: [{ name: 'a1', host: 'h2', image: 'flatland/pod', command: null, ports: [80], labels: {} }],
  });
});

describe('ranges', () => {
  const taken = [
    { cidr: '10.77.3.0/24', owner: 'route of interface eth1' },
    { cidr: '10.210.0.0/23', owner: 'the underlay of lab other' },
  ];

  test('free ones are chosen around what is taken', () => {
    const { network, underlay } = resolve(file(), taken);
    expect(network.cidr).toBe('10.78.0.0/16');
    expect(underlay.cidr).toBe('10.210.2.0/24');
  });

  test('a default route is in nobody’s way, nor the halves of it that a VPN writes', () => {
    const routes = ['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1'].map((cidr) => ({
      cidr,
      owner: 'route of tun0',
    }));
    expect(resolve(file(), routes).network.cidr).toBe('10.77.0.0/16');
  });

  test('a clash names the owner and the rest, and proposes a range of that size', () => {
    expect(clashOf(file({ network: { cidr: '10.77.0.0/16' } }), taken)).toMatchObject({
      code: 'range-clash',
      message:
        'The overlay 10.77.0.0/16 (network.cidr) overlaps 10.77.3.0/24 (route of interface eth1). 10.78.0.0/16 is free.',
    });
    expect(clashOf(file({ underlay: { cidr: '10.210.1.0/25' } }), taken).message).toBe(
      'The underlay 10.210.1.0/25 (underlay.cidr) overlaps 10.210.0.0/23 (the underlay of lab other). 10.210.2.0/25 is free.',
    );
    const more = [...taken, { cidr: '10.77.9.0/24', owner: 'a' }, { cidr: '10.77.10.0/24', owner: 'b' }];
    expect(clashOf(file({ network: { cidr: '10.77.0.0/16' } }), more).message).toContain('and 2 more.');
  });

  test('when nothing of that size is free it says so', () => {
    const all = ['10.0.0.0/8', '172.16.0.0/12'].map((cidr) => ({ cidr, owner: 'route of interface eth0' }));
    expect(
      clashOf(file({ network: { cidr: '10.0.0.0/16' }, underlay: { cidr: '192.168.200.0/24' } }), all)
        .message,
    ).toMatch(/No range of that size is free\.$/);
    const failure = clashOf(file(), all);
    expect(failure.message).toBe('No range is free for the underlay: all that Flatland tries are taken.');
    expect(failure.hint).toBe('Name a range in the lab file with `underlay.cidr`.');
  });

  test('a written underlay where the overlay would be moves the overlay', () => {
    const lab = resolve(file({ underlay: { cidr: '10.77.1.0/24' } }));
    expect(lab.network.cidr).toBe('10.78.0.0/16');
  });

  const routes = fc.array(
    fc.record({
      cidr: fc
        .tuple(fc.constantFrom(10, 172, 192, 100), fc.nat(255), fc.nat(255), fc.integer({ min: 12, max: 32 }))
        .map(([first, second, third, length]) =>
          formatCidr(range(`${first}.${second}.${third}.0/${length}`)),
        ),
      owner: fc.constantFrom('route of interface eth0', 'the overlay of lab other'),
    }),
    { maxLength: 40 },
  );

  test('whatever is taken: what is chosen is free, fits, and is the same again', () => {
    fc.assert(
      fc.property(arbitraryLabFile, routes, (subject, busy) => {
        let lab: Lab;
        try {
          lab = resolve(subject, busy);
        } catch (thrown) {
          if (thrown instanceof Failure && thrown.error.code === 'range-clash') return;
          throw thrown;
        }
        expect(findClashes(lab.network.cidr, busy)).toEqual([]);
        expect(findClashes(lab.underlay.cidr, busy)).toEqual([]);
        expect(cidrsOverlap(range(lab.network.cidr), range(lab.underlay.cidr))).toBe(false);
        // Written into the file, they are ranges that a user could have chosen.
        const written = {
          ...subject,
          network: { ...subject.network, cidr: lab.network.cidr },
          underlay: { ...subject.underlay, cidr: lab.underlay.cidr },
        };
        expect(checkMeaning(written)).toEqual([]);
        expect(resolve(subject, busy)).toEqual(lab);
        expect(resolve(written, busy)).toEqual(lab);
      }),
      { numRuns: 100 },
    );
  });

  test('a proposed range is truly free, and taking it works', () => {
    let proposals = 0;
    fc.assert(
      fc.property(
        routes,
        fc.constantFrom<'network' | 'underlay'>('network', 'underlay'),
        fc.integer({ min: 12, max: 26 }),
        (busy, key, length) => {
          const wanted = formatCidr(range(`10.100.0.0/${length}`));
          const subject = (cidr: string) =>
            file({ [key]: key === 'network' ? { cidr, subnetLength: 28 } : { cidr } });
          const obstacle = { cidr: '10.100.0.0/30', owner: 'address of interface lo' };
          const { message } = clashOf(subject(wanted), [...busy, obstacle]);
          const proposal = /\. (\S+) is free\.$/.exec(message)?.[1];
          if (proposal === undefined) return;
          proposals += 1;
          expect(range(proposal).length).toBe(length);
          expect(findClashes(proposal, [...busy, obstacle])).toEqual([]);
          try {
            const lab = resolve(subject(proposal), [...busy, obstacle]);
            expect(key === 'network' ? lab.network.cidr : lab.underlay.cidr).toBe(proposal);
          } catch (thrown) {
            // The other range, which is left out, may find no place.
            if (!(thrown instanceof Failure) || !thrown.error.message.startsWith('No range is free'))
              throw thrown;
          }
        },
      ),
      { numRuns: 40 },
    );
    expect(proposals).toBeGreaterThan(15);
  }, 60_000);
});

describe('addresses', () => {
  const addresses = (lab: Lab) => Object.fromEntries(lab.hosts.map(({ name, address }) => [name, address]));

  test('stay when hosts come and go, whatever the order', () => {
    const first = resolve(file());
    const second = resolve(file({ hosts: hosts('h4', 'h3', 'h1') }), [], first);
    expect(addresses(second)).toEqual({ h1: '10.210.0.11', h3: '10.210.0.13', h4: '10.210.0.14' });
    // The address of h2 is free by now, but h5 gets a fresh one while h4 leaves.
    const third = resolve(file({ hosts: hosts('h1', 'h3', 'h5') }), [], second);
    expect(addresses(third)).toEqual({ h1: '10.210.0.11', h3: '10.210.0.13', h5: '10.210.0.12' });
  });

  test('of a host that leaves are given away last, as it may still run', () => {
    const small = { underlay: { cidr: '10.9.0.0/29' } };
    const first = resolve(file({ ...small, hosts: hosts('h1', 'h2', 'h3', 'h4') }));
    const second = resolve(file({ ...small, hosts: hosts('h1', 'h2', 'h3', 'h5') }), [], first);
    const free = ['10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5', '10.9.0.6'].filter(
      (address) => !Object.values(addresses(first)).includes(address),
    );
    expect(free).toContain(addresses(second)['h5']);
    const third = resolve(file({ ...small, hosts: hosts('h6', 'h7', 'h8', 'h9', 'h2') }), [], second);
    expect(new Set(Object.values(addresses(third))).size).toBe(5);
  });

  test('an underlay that is full to the last address', () => {
    const lab = resolve(
      file({ underlay: { cidr: '10.9.0.0/29' }, hosts: hosts('h1', 'h2', 'h3', 'h4', 'h5') }),
    );
    expect(Object.values(addresses(lab)).sort()).toEqual([
      '10.9.0.2',
      '10.9.0.3',
      '10.9.0.4',
      '10.9.0.5',
      '10.9.0.6',
    ]);
    const sixtyFour = Array.from({ length: 61 }, (_, index) => ({ name: `host${index}` }));
    expect(resolve(file({ underlay: { cidr: '10.9.0.0/26' }, hosts: sixtyFour })).hosts).toHaveLength(61);
  });

  test('any file after any other: each host has one of its own inside the underlay, and those that stay keep theirs', () => {
    fc.assert(
      fc.property(arbitraryLabFile, arbitraryLabFile, (one, other) => {
        const first = labOf(one);
        const next = labOf(
          {
            ...other,
            name: one.name,
            hosts: [...other.hosts, ...one.hosts.slice(1)].filter(
              ({ name }, index, all) => all.findIndex((entry) => entry.name === name) === index,
            ),
            etcd: { tls: true },
          },
          first,
        );
        const used = Object.values(addresses(next));
        expect(new Set(used).size).toBe(used.length);
        expect(used).not.toContain(next.underlay.gateway);
        const underlay = range(next.underlay.cidr);
        for (const address of used) {
          const number = parseIpv4(address) ?? -1;
          expect(cidrContains(underlay, number)).toBe(true);
          expect(number).not.toBe(underlay.base);
          expect(number).not.toBe(underlay.base + 2 ** (32 - underlay.length) - 1);
        }
        expect(next.underlay.cidr).toBe(first.underlay.cidr);
        for (const { name, address } of first.hosts) {
          if (name in addresses(next)) expect(addresses(next)[name]).toBe(address);
        }
      }),
    );
  });
});

describe('a lab that was there', () => {
  const first = resolve(file());

  test('keeps its ranges, also when they are taken by now (by itself)', () => {
    const busy = [first.network.cidr, first.underlay.cidr].map((cidr) => ({ cidr, owner: 'itself' }));
    expect(resolve(file(), busy, first)).toEqual(first);
  });

  test('moves to what the file says now', () => {
    const moved = resolve(file({ network: { cidr: '10.99.0.0/16' } }), [], first);
    expect(moved.network.cidr).toBe('10.99.0.0/16');
    expect(moved.underlay).toEqual(first.underlay);
  });

  test('moves when it does not fit any more', () => {
    const small = resolve(file({ underlay: { cidr: '10.9.0.0/29' } }));
    const many = Array.from({ length: 9 }, (_, index) => ({ name: `h${index + 1}` }));
    expect(resolve(file({ hosts: many }), [], small).underlay.cidr).toBe('10.210.0.0/24');
    expect(
      resolve(file({ network: { subnetLength: 24 } }), [], {
        ...small,
        network: { ...small.network, cidr: '10.8.0.0/24' },
      }).network.cidr,
    ).toBe('10.77.0.0/16');
  });
});

describe('etcd members', () => {
  const members = (lab: Lab) => lab.etcd.members;

  test.each([
    [1, 1],
    [2, 1],
    [3, 3],
    [5, 3],
    [8, 3],
  ])('%i hosts have %i', (count, expected) => {
    const names = Array.from({ length: count }, (_, index) => `h${index + 1}`);
    expect(members(resolve(file({ hosts: hosts(...names) })))).toEqual(names.slice(0, expected));
  });

  test('as many as the file says', () => {
    expect(
      members(resolve(file({ hosts: hosts('a1', 'a2', 'a3', 'a4', 'a5'), etcd: { members: 5 } }))),
    ).toHaveLength(5);
    expect(members(resolve(file({ etcd: { members: 1 } })))).toEqual(['h1']);
  });

  test('stay members while they are hosts', () => {
    const first = resolve(file({ hosts: hosts('h1', 'h2', 'h3', 'h4') }));
    const second = resolve(file({ hosts: hosts('h4', 'h3', 'h1') }), [], first);
    expect(members(second)).toEqual(['h1', 'h3', 'h4']);
    const third = resolve(file({ hosts: hosts('h9', 'h4', 'h3', 'h1') }), [], second);
    expect(members(third)).toEqual(['h1', 'h3', 'h4']);
  });
});
