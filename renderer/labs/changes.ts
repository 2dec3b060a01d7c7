import type { LabFile } from '../../contract/lab.ts';

/** One thing that an edited lab file changes, in words. */
export interface Change {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly what: string;
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function changesOfNamed<T extends { readonly name: string }>(
  word: string,
  before: readonly T[],
  after: readonly T[],
): Change[] {
  const known = new Map(before.map((item) => [item.name, item]));
  const kept = new Set(after.map(({ name }) => name));
  return [
    ...after.flatMap((item): Change[] => {
      const old = known.get(item.name);
      if (old === undefined) return [{ kind: 'added', what: `${word} ${item.name}` }];
      return same(old, item) ? [] : [{ kind: 'changed', what: `${word} ${item.name}` }];
    }),
    ...before
      .filter(({ name }) => !kept.has(name))
      .map(({ name }): Change => ({ kind: 'removed', what: `${word} ${name}` })),
  ];
}

function changeOfValue(what: string, before: unknown, after: unknown): Change[] {
  if (same(before, after)) return [];
  const word = (value: unknown) => (value === undefined ? 'chosen by Flatland' : String(value));
  return [{ kind: 'changed', what: `${what}: ${word(before)} → ${word(after)}` }];
}

const backendWords = ({ type, ...options }: LabFile['network']['backend']) =>
  [type, ...Object.entries(options).map(([name, value]) => `${name} ${value}`)].join(' ');

/** What becomes different when a lab file takes the place of another. Pure. */
export function changesOf(before: LabFile, after: LabFile): Change[] {
  return [
    ...changesOfNamed('host', before.hosts, after.hosts),
    ...changesOfNamed('pod', before.pods, after.pods),
    ...changeOfValue('backend', backendWords(before.network.backend), backendWords(after.network.backend)),
    ...changeOfValue('overlay range', before.network.cidr, after.network.cidr),
    ...changeOfValue('subnet length', before.network.subnetLength, after.network.subnetLength),
    ...changeOfValue('underlay range', before.underlay.cidr, after.underlay.cidr),
    ...changeOfValue('underlay MTU', before.underlay.mtu, after.underlay.mtu),
    ...changeOfValue('etcd members', before.etcd.members, after.etcd.members),
    ...changeOfValue('etcd mTLS', before.etcd.tls ? 'on' : 'off', after.etcd.tls ? 'on' : 'off'),
  ];
}
