import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dnsLabel } from '../../../../contract/lab.ts';
import { hostNamespace, hostRuntime, machineLink, switchNamespace } from '../paths.ts';
import { hostPort } from './underlay.ts';

const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}[a-z0-9]$/);

test('a port’s name fits an interface and is the host’s own', () => {
  expect(hostPort('h1')).toBe('h-h1');
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(dnsLabel.safeParse(one).success).toBe(true);
      expect(hostPort(one)).toMatch(/^[a-z0-9-]{3,15}$/);
      expect(hostPort(one)).toBe(hostPort(one));
      expect(hostPort(one) === hostPort(other)).toBe(one === other);
    }),
  );
  // Two long names that begin alike.
  expect(hostPort('a-very-long-host-name-1')).not.toBe(hostPort('a-very-long-host-name-2'));
});

test('the link of a lab fits an interface', () => {
  expect(machineLink('0123abcd')).toMatch(/^.{1,15}$/);
});

test('no host can take the place of the switch or of another host', () => {
  const lab = '0123abcd';
  for (const host of ['switch', 'underlay', 'console', 'net'])
    expect([hostNamespace(lab, host), hostRuntime(lab, host)]).not.toContain(switchNamespace(lab));
  fc.assert(
    fc.property(name, name, (one, other) => {
      const paths = (host: string) => [hostNamespace(lab, host), hostRuntime(lab, host)];
      expect(paths(one)).not.toContain(switchNamespace(lab));
      expect(paths(one).some((path) => paths(other).includes(path))).toBe(one === other);
    }),
  );
});
