import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestEtcd, type TestEtcd } from '../../../agent/lease/test-etcd.ts';
import { endpoint, type OverlayHost, subnetFile, type TestOverlay } from '../../support/overlay.ts';
import { grantLease, hostOf, overlaysFor } from '../overlays.ts';

/* flanneld's flags and variables, given to whole agents. What is refused, and how, is shown beside the parser. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
let two: OverlayHost;
let three: OverlayHost;
let secured: TestEtcd | null = null;

/** All but those of etcd's certificates and user. */
const variablesOf = (host: OverlayHost) => ({
  FLANNELD_ETCD_ENDPOINTS: `http://192.168.50.2:1,${endpoint}`,
  FLANNELD_ETCD_PREFIX: '/env',
  FLANNELD_IFACE: 'none',
  FLANNELD_IFACE_REGEX: '^10\\.9\\..*2$',
  FLANNELD_IFACE_CAN_REACH: '192.168.50.1',
  FLANNELD_PUBLIC_IP: '203.0.113.7',
  FLANNELD_SUBNET_FILE: join(host.files, 'subnet.env'),
  FLANNELD_SUBNET_LEASE_RENEW_MARGIN: '1439',
  FLANNELD_IP_MASQ: 'true',
  FLANNELD_IP_MASQ_FULLY_RANDOM_DISABLE: 'true',
  FLANNELD_IPTABLES_RESYNC: '1',
  FLANNELD_IPTABLES_FORWARD_RULES: 'false',
  FLANNELD_IP_BLACKHOLE_ROUTE: 'true',
  FLANNELD_HEALTHZ_IP: '127.0.0.1',
  FLANNELD_HEALTHZ_PORT: '8471',
  FLANNELD_V: '9',
  FLANNELD_DOCKER_OPTIONS_FILE: join(host.files, 'docker.env'),
  FLANNELD_STATUS_SOCKET: join(host.files, 'agent.sock'),
});

/** Starts etcd with mutual TLS on the loopback of a host, where root with a password alone may do anything. */
async function startSecured(host: OverlayHost) {
  const [certificate, key] = [join(host.files, 'own.pem'), join(host.files, 'own.key')];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test';
  execFileSync(
    'openssl',
    [...request.split(' '), '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
    { stdio: 'ignore' },
  );
  const certificates = { authority: certificate, certificate, key };
  secured = await startTestEtcd({ namespace: host.name, port: 2381, certificates });
  const call = (path: string, body: object) =>
    host.sh(
      `curl -sS --fail --cacert ${certificate} --cert ${certificate} --key ${key} https://127.0.0.1:2381/v3/${path} -d '${JSON.stringify(body)}'`,
    );
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const config = {
    key: base64('/coreos.com/network/config'),
    value: base64('{"Network":"10.5.0.0/16","Backend":{"Type":"alloc"}}'),
  };
  await made.until('secured etcd', () => {
    try {
      return call('kv/put', config);
    } catch {
      return null;
    }
  });
  call('auth/role/add', { name: 'root' });
  call('auth/user/add', { name: 'root', password: 'secret' });
  call('auth/user/grant', { user: 'root', role: 'root' });
  call('auth/enable', {});
  expect(() => call('kv/put', config)).toThrow();
  return certificates;
}

beforeAll(async () => {
  made = await overlays.make(3, null);
  [one, two, three] = [hostOf(made, 1), hostOf(made, 2), hostOf(made, 3)];
  for (const prefix of ['/env', '/flag'])
    made.under(prefix).put('config', '{"Network":"10.5.0.0/16","Backend":{"Type":"alloc"}}');
  for (const host of [one, two])
    host.sh(
      'ip link add x0 type veth peer name y0; ip addr add 10.9.0.1/24 dev x0; ip addr add 10.9.0.2/24 dev x0; ip link set x0 up; ip link set y0 up',
    );
  one.start([], variablesOf(one), 'bare');
  two.start(
    [
      `-etcd-endpoints=${endpoint}`,
      '--etcd-prefix=/flag',
      '-etcd-cafile=/nowhere/ca.pem',
      '--iface',
      '192.168.50.12',
      '-public-ip=198.51.100.9',
      '-ip-masq=false',
      '-iptables-forward-rules',
      '-ip-blackhole-route=false',
      '-healthz-ip=0.0.0.0',
      '-healthz-port=8472',
    ],
    variablesOf(two),
    'bare',
  );
});
afterAll(() => secured?.remove());

test('each flag is also a variable FLANNELD_X_Y; an -iface that is not there leaves the choice to -iface-regex, and -iface-can-reach comes after that', async () => {
  const status = await made.ready(one, 0);
  expect(status).toMatchObject({ interface: 'x0', publicIp: '203.0.113.7', subnet: '10.5.1.0/24' });
  const keys = made.under('/env');
  expect(keys.names()).toEqual(['config', 'subnets/10.5.1.0-24']);
  expect(subnetFile(one)).toContain('FLANNEL_IPMASQ=true\n');
  expect(readFileSync(join(one.files, 'docker.env'), 'utf8')).toContain('--ip-masq=false');
  const nat = one.sh('iptables-save -t nat');
  expect(nat).toContain('-j MASQUERADE\n');
  expect(nat).not.toContain('--random-fully');
  expect(one.sh('iptables-save -t filter')).not.toContain('FLANNEL');
  expect(one.sh('ip route show type blackhole')).toMatch(/^blackhole 10\.5\.1\.0\/24 /);
  expect(one.sh('ss -Hltn')).toMatch(/127\.0\.0\.1:8471/);
  // A margin of all but a minute of the day: a lease that ends in less is renewed at once.
  const lease = grantLease(made, 86_300);
  keys.put('subnets/10.5.1.0-24', keys.read('subnets/10.5.1.0-24') ?? '', lease);
  await made.until('renewal', () =>
    [null, lease].includes(keys.entry('subnets/10.5.1.0-24')?.lease ?? null) ? null : true,
  );
  one.sh('iptables -t nat -F FLANNEL-POSTRTG');
  await made.until('rules', () => (one.sh('iptables-save -t nat').includes('MASQUERADE') ? true : null));
});

test('a flag goes before its variable, with one dash or two; -etcd-cafile is ignored without -etcd-certfile and -etcd-keyfile', async () => {
  const status = await made.ready(two, 0);
  expect(status).toMatchObject({ interface: 'eth0', publicIp: '198.51.100.9', subnet: '10.5.2.0/24' });
  expect(made.under('/flag').names()).toEqual(['config', 'subnets/10.5.2.0-24']);
  expect(two.output()).toContain('etcd-cafile is ignored without etcd-certfile and etcd-keyfile');
  expect(subnetFile(two)).toContain('FLANNEL_IPMASQ=false\n');
  expect(two.sh('iptables-save -t nat')).not.toContain('FLANNEL');
  expect(two.sh('iptables-save -t filter')).toContain('FLANNEL-FWD');
  expect(two.sh('ip route show type blackhole')).toBe('');
  expect(two.sh('ss -Hltn')).toMatch(/0\.0\.0\.0:8472/);
});

test.each(['flags', 'variables'])('certificates, user and password for etcd come from %s', async (from) => {
  const { authority, certificate, key } =
    secured === null
      ? await startSecured(three)
      : {
          authority: join(three.files, 'own.pem'),
          certificate: join(three.files, 'own.pem'),
          key: join(three.files, 'own.key'),
        };
  const values = {
    'etcd-endpoints': 'https://127.0.0.1:2381',
    'etcd-cafile': authority,
    'etcd-certfile': certificate,
    'etcd-keyfile': key,
    'etcd-username': 'root',
    'etcd-password': 'secret',
  };
  if (from === 'flags') three.start(Object.entries(values).map(([name, value]) => `-${name}=${value}`));
  else {
    const variables = Object.entries(values).map(([name, value]) => [
      `FLANNELD_${name.replaceAll('-', '_').toUpperCase()}`,
      value,
    ]);
    const files = [`-subnet-file=${three.files}/subnet.env`, `-status-socket=${three.files}/agent.sock`];
    three.start(['-iface=eth0', ...files], Object.fromEntries(variables), 'bare');
  }
  expect(await made.ready(three, 0)).toMatchObject({ subnet: '10.5.3.0/24', etcd: { connected: true } });
  await three.end('SIGTERM');
});

test('a variable that can not be used ends the agent with 1, a flag with 2; -version prints it and ends with 0', () => {
  const [command, unknown, version] = [
    one.run(['-subnet-lease-renew-margin=x']),
    one.run([], { FLANNELD_SUBNET_LEASE_RENEW_MARGIN: '1440' }),
    one.run([], { FLANNELD_VERSION: 'true' }),
  ];
  expect([command.code, command.stderr]).toEqual([
    2,
    'invalid value "x" for flag -subnet-lease-renew-margin\n',
  ]);
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    'subnet-lease-renew-margin must be from 1 to 1439, not 1440\n',
  ]);
  expect([version.code, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});
