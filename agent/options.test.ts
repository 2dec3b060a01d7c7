import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Options, parseCommand } from './options.ts';

function accept(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Options {
  const command = parseCommand(args, environment);
  if (command.kind !== 'run') throw new Error(JSON.stringify(command));
  return command.options;
}

test("without flags all is as flanneld's defaults", () => {
  expect(accept([])).toEqual({
    etcdEndpoints: ['http://127.0.0.1:4001', 'http://127.0.0.1:2379'],
    etcdPrefix: '/coreos.com/network',
    etcdKeyfile: '',
    etcdCertfile: '',
    etcdCafile: '',
    etcdUsername: '',
    etcdPassword: '',
    iface: [],
    ifaceRegex: [],
    ifaceCanReach: null,
    publicIp: null,
    subnetFile: '/run/flannel/subnet.env',
    renewMarginMinutes: 60,
    ipMasq: false,
    ipMasqFullyRandom: true,
    resyncSeconds: 5,
    forwardRules: true,
    blackholeRoute: false,
    healthzIp: '0.0.0.0',
    healthzPort: 0,
    dockerOptionsFile: null,
    statusSocket: null,
  });
});

test.each([
  [['-etcd-prefix=/x'], {}, { etcdPrefix: '/x' }],
  [['--etcd-prefix', '/x'], {}, { etcdPrefix: '/x' }],
  [['-etcd-prefix='], {}, { etcdPrefix: '' }],
  [['-etcd-prefix', '-x'], {}, { etcdPrefix: '-x' }],
  [['-etcd-prefix=/a', '-etcd-prefix=/b=c'], {}, { etcdPrefix: '/b=c' }],
  [['-ip-masq'], {}, { ipMasq: true }],
  [['-ip-masq=false'], {}, { ipMasq: false }],
  [['--ip-masq=T', '-iptables-forward-rules=0'], {}, { ipMasq: true, forwardRules: false }],
  [['-ip-masq-fully-random-disable'], {}, { ipMasqFullyRandom: false }],
  [
    ['-iface=eth0', '--iface', 'eth1', '-iface-regex=^e'],
    {},
    { iface: ['eth0', 'eth1'], ifaceRegex: ['^e'] },
  ],
  [['-subnet-lease-renew-margin=1439'], {}, { renewMarginMinutes: 1439 }],
  [['-etcd-endpoints=https://a:1,https://b:2'], {}, { etcdEndpoints: ['https://a:1', 'https://b:2'] }],
  [['-healthz-port=8471', '-healthz-ip=127.0.0.1'], {}, { healthzPort: 8471, healthzIp: '127.0.0.1' }],
  [['-public-ip=192.0.2.1'], {}, { publicIp: '192.0.2.1' }],
  [['-v=10', '-logtostderr', '-kube-subnet-mgr=false'], {}, {}],
  [['-ip-blackhole-route'], {}, { blackholeRoute: true }],
  [[], { FLANNELD_IP_MASQ: 'true', FLANNELD_ETCD_PREFIX: '/e' }, { ipMasq: true, etcdPrefix: '/e' }],
  [[], { FLANNELD_IFACE: 'eth7' }, { iface: ['eth7'] }],
  [
    ['-ip-masq=false', '-iface=eth0'],
    { FLANNELD_IP_MASQ: 'true', FLANNELD_IFACE: 'eth7' },
    { ipMasq: false, iface: ['eth0'] },
  ],
  [[], { FLANNELD_ETCD_PREFIX: '', OTHER: 'x' }, { etcdPrefix: '/coreos.com/network' }],
  [['-docker-options-file=/d', '-status-socket=/s'], {}, { dockerOptionsFile: '/d', statusSocket: '/s' }],
])('%j with %j', (args, environment, expected) => {
  expect(accept(args, environment)).toMatchObject(expected);
});

test.each([
  [['-unknown'], {}, 2, 'flag provided but not defined: -unknown'],
  [['-constructor=1'], {}, 2, 'flag provided but not defined: -constructor'],
  [['---iface=x'], {}, 2, 'bad flag syntax: ---iface=x'],
  [['-=x'], {}, 2, 'bad flag syntax: -=x'],
  [['-iface'], {}, 2, 'flag needs an argument: -iface'],
  [['-ip-masq=maybe'], {}, 2, 'invalid value "maybe" for flag -ip-masq'],
  [['-healthz-port=x'], {}, 2, 'invalid value "x" for flag -healthz-port'],
  [['-healthz-port=1e3'], {}, 2, 'invalid value "1e3" for flag -healthz-port'],
  [['-ip-masq', 'false'], {}, 2, 'unexpected argument: false'],
  [['cleanup', 'more'], {}, 2, 'unexpected argument: cleanup more'],
  [['-healthz-port=65536'], {}, 1, 'healthz-port must be from 0 to 65535, not 65536'],
  [['-subnet-lease-renew-margin=0'], {}, 1, 'subnet-lease-renew-margin must be from 1 to 1439, not 0'],
  [['-subnet-lease-renew-margin=1440'], {}, 1, 'subnet-lease-renew-margin must be from 1 to 1439, not 1440'],
  [['-iptables-resync=0'], {}, 1, 'iptables-resync must be from 1 to 86400, not 0'],
  [['-public-ip=host'], {}, 1, 'public-ip must be an IPv4 address, not "host"'],
  [['-etcd-endpoints=,'], {}, 1, 'etcd-endpoints names no endpoint'],
  [['-etcd-endpoints=http://a:1,https://b:2'], {}, 1, 'etcd-endpoints must be all http or all https'],
  [['-kube-subnet-mgr'], {}, 1, 'kube-subnet-mgr is not supported: this agent leases from etcd'],
  [[], { FLANNELD_IP_MASQ: 'maybe' }, 1, 'invalid value "maybe" for FLANNELD_IP_MASQ'],
])('%j with %j is refused', (args, environment, exit, message) => {
  expect(parseCommand(args, environment)).toEqual({ kind: 'refused', exit, message });
});

test('the other commands', () => {
  expect(parseCommand(['cleanup'], {})).toEqual({ kind: 'cleanup', subnetFile: '/run/flannel/subnet.env' });
  expect(parseCommand(['-v=1', '--', 'cleanup'], {})).toEqual({
    kind: 'cleanup',
    subnetFile: '/run/flannel/subnet.env',
  });
  expect(parseCommand(['--version'], {})).toEqual({ kind: 'version' });
  expect(parseCommand(['-help'], {})).toMatchObject({ kind: 'help' });
});

test('what flanneld would pass over in silence is said', () => {
  const warned = (args: readonly string[]) => {
    const command = parseCommand(args, {});
    return command.kind === 'run' ? command.warnings : null;
  };
  expect(warned(['-etcd-cafile=a'])).toHaveLength(1);
  expect(warned(['-etcd-cafile=a', '-etcd-keyfile=k', '-etcd-certfile=c'])).toHaveLength(1);
  expect(
    warned(['-etcd-cafile=a', '-etcd-keyfile=k', '-etcd-certfile=c', '-etcd-endpoints=https://a:1']),
  ).toHaveLength(0);
});

test('no command line makes it throw', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('-iface', '-ip-masq=', '--', '-', '--=', '-v', 'cleanup'),
  );
  fc.assert(
    fc.property(fc.array(word), (args) => {
      parseCommand(args, {});
    }),
  );
});
