import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { labStatus } from '../../contract/status.ts';
import { connectSandbox } from '../../main/host/sandbox/sandbox.ts';
import { keysOf } from '../../main/lab/session.ts';
import { readSecrets } from '../../main/lab/state.ts';
import { createAuthority, issueCertificate } from '../../main/provision/certificates.ts';
import { withRegistryProxy } from '../../main/provision/registry-proxy.ts';
import { ownState, run } from '../support/flatland.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';
import { freePort } from '../support/sshd.ts';

const state = ownState();
const clean = takeSnapshot(state.directory);
afterAll(state.remove);

/** A registry of this test's own, with TLS, on one address of this machine. */
async function startRegistry(address: string, certificate: { certificate: string; privateKey: string }) {
  const directory = join(state.directory, 'registry');
  mkdirSync(directory);
  const port = await freePort(address);
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const config = [
    'version: 0.1',
    `storage: { filesystem: { rootdirectory: ${directory} } }`,
    `http:`,
    `  addr: ${address}:${port}`,
    `  tls: { certificate: ${file('crt', certificate.certificate)}, key: ${file('key', certificate.privateKey)} }`,
    '',
  ].join('\n');
  const child = spawn('docker-registry', ['serve', file('config.yml', config)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  return {
    name: `${address}:${port}`,
    log: () => log,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

it('a host that has no way out pulls from a registry by way of this machine', async () => {
  expect((await run(state.directory, ['up', '--hosts', '2', '--json'])).code).toBe(0);
  process.env['XDG_STATE_HOME'] = state.directory;
  const { lab } = labStatus.parse(JSON.parse((await run(state.directory, ['status', '--json'])).stdout));
  const secrets = await readSecrets(lab.name);
  const [h1, h2] = lab.hosts;
  if (secrets === null || h1 === undefined || h2 === undefined) throw new Error('the lab is not there');
  const authority = await createAuthority('registry of a test');
  const registry = await startRegistry(
    lab.underlay.gateway,
    await issueCertificate(authority, 'registry', [lab.underlay.gateway]),
  );
  const image = `${registry.name}/team/web:1`;
  try {
    for (const host of [h1, h2]) {
      const connection = await connectSandbox(host, keysOf(secrets, host.name), AbortSignal.timeout(5000), 5);
      await connection.place([
        { path: `/etc/docker/certs.d/${registry.name}/ca.crt`, mode: 0o644, content: authority.certificate },
      ]);
      if (host === h1) {
        await connection.exec(['docker', 'tag', 'flatland/pod', image]);
        await withRegistryProxy(connection, () => connection.exec(['docker', 'push', image]));
      }
      await connection.close();
    }
    const ran = await run(state.directory, ['run', 'h2', image, '--json']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ image, state: 'running' });
    const askers = [...registry.log().matchAll(/remoteaddr="?([\d.]+):/g)].map((match) => match[1]);
    expect(askers.length).toBeGreaterThan(3);
    expect(new Set(askers)).toEqual(new Set([lab.underlay.gateway]));

    const unknown = await run(state.directory, ['run', 'h2', `${registry.name}/team/none:1`]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('team/none');
  } finally {
    await registry.stop();
    await run(state.directory, ['down', '--all', '--json']);
  }
  expect(changesSince(clean, state.directory)).toEqual([]);
});
