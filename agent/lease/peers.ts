import type { AgentPeer } from '../../contract/agent.ts';
import type { Cidr } from '../../contract/ipv4.ts';
import type { Lease } from './lease.ts';
import type { KnownSnapshot, StoredEntry } from './store.ts';
import { formatSubnetKey, type ParsedLease, parseLease } from './value.ts';

/** All other hosts' leases, and as ignored peers what is no lease at all. */
interface ReadLeases {
  readonly leases: readonly Lease[];
  readonly malformed: readonly AgentPeer[];
}

/** So much of a stranger's key is shown. */
const longestName = 100;

/**
 * Makes a reader of snapshots that parses each value once for as long as it stays in them, so that a change of one
 * lease among thousands costs one parse; and what is unchanged is the same object as before. Entries that the store
 * lost but that are kept for now count as if they were there.
 */
export function createLeaseReader(): (snapshot: KnownSnapshot, own: Cidr) => ReadLeases {
  let known = new Map<string, { readonly value: string; readonly parsed: ParsedLease }>();
  return (snapshot, own) => {
    const next: typeof known = new Map();
    const leases: Lease[] = [];
    const malformed: AgentPeer[] = [];
    const ownName = formatSubnetKey(own);
    const read = ({ name, value }: StoredEntry) => {
      if (name === ownName) return;
      const before = known.get(name);
      const entry = before?.value === value ? before : { value, parsed: parseLease(name, value) };
      next.set(name, entry);
      const { parsed } = entry;
      if (parsed.kind === 'lease') leases.push(parsed.lease);
      else {
        const subnet = name.slice(0, longestName);
        malformed.push({ subnet, publicIp: '', backendType: '', state: 'ignored', reason: parsed.reason });
      }
    };
    for (const entry of snapshot.entries) read(entry);
    for (const entry of snapshot.kept) read(entry);
    known = next;
    return { leases, malformed };
  };
}
