import type { Host, Lab } from '../../contract/lab.ts';
import { generateKeyPair } from '../host/keys.ts';
import type { Secrets } from './state.ts';

const isMember = (lab: Lab, host: Host) => lab.etcd.members.includes(host.name);

/** What a host's certificate says of it; another role needs another certificate. */
const roleOf = (lab: Lab, host: Host) => `${host.address} ${isMember(lab, host) ? 'member' : 'client'}`;

/** The keys and certificates of a lab: what is there and still fits is kept, what lacks is made. */
export async function completeSecrets(lab: Lab, previous: Secrets | null): Promise<Secrets> {
  // Its library takes a while to load, which only an `up` should wait for.
  const { createAuthority, issueCertificate } = await import('../provision/certificates.ts');
  const authority = previous?.authority ?? (await createAuthority(`flatland ${lab.name}`));
  const hosts = lab.hosts.map(async (host) => {
    const known = previous?.hosts[host.name];
    const role = roleOf(lab, host);
    const certificate =
      known?.role === role
        ? known.certificate
        : await issueCertificate(
            authority,
            host.name,
            isMember(lab, host) ? [host.address, '127.0.0.1'] : [],
          );
    return [host.name, { key: known?.key ?? generateKeyPair(host.name), role, certificate }] as const;
  });
  const operator = previous?.operator ?? (await issueCertificate(authority, 'flatland-operator', []));
  return {
    client: previous?.client ?? generateKeyPair(`flatland-${lab.name}`),
    authority,
    operator,
    hosts: Object.fromEntries(await Promise.all(hosts)),
  };
}
