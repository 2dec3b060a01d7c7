import { beforeAll, expect, test } from 'vitest';
import { endpoint, type OverlayHost, subnetFile, type TestOverlay } from '../../support/overlay.ts';
import { hostOf, overlaysFor, waitsFor } from '../overlays.ts';

/* The network's configuration in etcd, read by whole agents. */

const overlays = overlaysFor('file');
let made: TestOverlay;
beforeAll(async () => {
  made = await overlays.make(5, null);
});

const alloc = { Type: 'alloc' };
const configure = (prefix: string, config: object | string) =>
  made.under(prefix).put('config', typeof config === 'string' ? config : JSON.stringify(config));
const leased = (host: OverlayHost) => made.ready(host, 0);

test('names count in any case, unknown ones do not, the Network is masked to its base, and the Type may be in any case; EnableNFTables makes no difference (flannel’s nftables are never checked again)', async () => {
  const one = hostOf(made, 1);
  configure(
    '/spelling',
    '{"network":"10.5.7.9/16","SUBNETLEN":26,"Rubbish":{"a":[1]},"EnableIPv4":true,"EnableIPv6":false,' +
      '"EnableNFTables":true,"IPv6Network":"fd00::/48","IPv6SubnetLen":64,"backend":{"TYPE":"HOST-GW","Rubbish":null}}',
  );
  one.start(['-etcd-prefix=/spelling']);
  const { network, backend, subnet } = await leased(one);
  expect([network, backend]).toEqual(['10.5.0.0/16', 'host-gw']);
  expect(subnet).toMatch(/\/26$/);
  expect(subnetFile(one)).toMatch(/^FLANNEL_NETWORK=10\.5\.0\.0\/16\n/);
  expect(one.sh('iptables-save -t nat')).toContain('FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4');
});

test('the configuration is read at the start alone', async () => {
  const one = hostOf(made, 1);
  configure('/spelling', { Network: '10.6.0.0/22', Backend: alloc });
  made
    .under('/spelling')
    .put('subnets/10.5.9.0-26', '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"host-gw"}');
  expect(await made.ready(one, 1)).toMatchObject({ network: '10.5.0.0/16', backend: 'host-gw' });
  await one.end('SIGTERM');
  one.start(['-etcd-prefix=/spelling']);
  const { network, backend, subnet } = await leased(one);
  expect([network, backend]).toEqual(['10.6.0.0/22', 'alloc']);
  expect(subnet).toMatch(/^10\.6\.[123]\.0\/24$/);
  expect(one.sh('ip route show 10.5.9.0/26')).toBe('');
  await one.end('SIGKILL');
});

/** How often anybody has asked etcd for a key. */
const asked = (): number =>
  Number(
    /grpc_server_handled_total\{grpc_code="OK",grpc_method="Range".*\} (\d+)/.exec(
      hostOf(made, 1).sh(`curl -s ${endpoint}/metrics`),
    )?.[1],
  );

test('a configuration that is missing or invalid is asked for without end, once a second, by the same process', async () => {
  const network = '10.5.0.0/16';
  const small = { Network: '10.24.0.0/28', Backend: alloc };
  const series = [
    {
      invalid: [
        ['{"Network":', 'JSON'],
        [{ Network: network, SubnetLen: 31 }, 'SubnetLen must be less than /31'],
        [{ Network: network, SubnetLen: 17 }, 'at least four subnets'],
      ],
      valid: { Network: network, Backend: alloc },
      subnet: /\/24$/,
    },
    {
      invalid: [
        [{ Network: '10.5.0.0/29' }, 'too small'],
        [{ SubnetLen: 24 }, 'Network'],
        [{ Network: network, EnableIPv6: true }, 'EnableIPv6'],
      ],
      valid: { Network: '10.23.0.0/23', Backend: alloc },
      subnet: /^10\.23\.[01]\.(0|128)\/25$/,
    },
    {
      invalid: [
        [{ Network: network, SubnetMin: '10.6.0.0' }, 'SubnetMin is not in the range'],
        [{ Network: network, SubnetMin: '10.5.1.1' }, 'SubnetMin is not on a SubnetLen boundary'],
      ],
      // By default the first subnet is left out, and 0.0.0.0 is none.
      valid: { ...small, SubnetMin: '0.0.0.0' },
      taken: ['10.24.0.8-30', '10.24.0.12-30'],
      subnet: /^10\.24\.0\.4\/30$/,
    },
    {
      invalid: [
        [{ Network: network, SubnetMax: '10.4.0.0' }, 'SubnetMax is not in the range'],
        [{ Network: network, SubnetMax: '10.5.1.128' }, 'SubnetMax is not on a SubnetLen boundary'],
      ],
      // The last is not.
      valid: { ...small, SubnetMax: '0.0.0.0' },
      taken: ['10.24.0.4-30', '10.24.0.8-30'],
      subnet: /^10\.24\.0\.12\/30$/,
    },
  ] as const;
  for (const [index] of series.entries()) hostOf(made, index + 1).start([`-etcd-prefix=/invalid-${index}`]);
  const fifth = hostOf(made, 5);
  fifth.start(['-etcd-prefix=/crossed']);
  const invalid = series.map(async (each, index) => {
    const [host, prefix] = [hostOf(made, index + 1), `/invalid-${index}`];
    const pid = host.pid();
    await waitsFor(made, host, `${prefix}/config is not in etcd`);
    for (const [config, reason] of each.invalid) {
      configure(prefix, config);
      await waitsFor(made, host, reason);
    }
    for (const name of 'taken' in each ? each.taken : [])
      made.under(prefix).put(`subnets/${name}`, '{"PublicIP":"192.168.50.99","PublicIPv6":null}');
    configure(prefix, each.valid);
    const { subnet } = await made.ready(host, 'taken' in each ? 2 : 0);
    expect(subnet).toMatch(each.subnet);
    expect(host.pid()).toBe(pid);
  });
  await Promise.all(invalid);
  for (const [index] of series.entries()) await hostOf(made, index + 1).end('SIGKILL');

  // The first tries come sooner: 0.05, 0.1, 0.2, 0.4 and 0.8 s. They are over long since.
  await waitsFor(made, fifth, '/crossed/config is not in etcd');
  const before = asked();
  const first = await made.until('another try', () => (asked() > before ? asked() : null));
  const began = Date.now();
  await made.until('two more tries', () => (asked() >= first + 2 ? true : null));
  expect(Date.now() - began).toBeGreaterThan(900);
  // That the least is beyond the last is not checked, by flannel neither.
  configure('/crossed', { ...small, SubnetMin: '10.24.0.12', SubnetMax: '10.24.0.4' });
  await waitsFor(made, fifth, 'out of subnets');
  await fifth.end('SIGKILL');
});

test('no Backend is udp, as flannel’s code has it; a Type that is unknown, or {}, ends the agent with 1', async () => {
  const one = hostOf(made, 1);
  configure('/default', { Network: '10.5.0.0/16' });
  one.start(['-etcd-prefix=/default']);
  expect(await leased(one)).toMatchObject({ backend: 'udp', device: { name: 'flannel0' } });
  await one.end('SIGKILL');
  for (const [backend, named] of [
    ['{}', '""'],
    ['{"Type":"wireguard"}', '"wireguard"'],
  ]) {
    configure('/unknown', `{"Network":"10.5.0.0/16","Backend":${backend}}`);
    const args = [`-etcd-endpoints=${endpoint}`, '-etcd-prefix=/unknown', '-iface=eth0'];
    const { code, stderr } = one.run([...args, `-subnet-file=${one.files}/unknown.env`]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`unknown backend type: ${named}`)]);
  }
});
