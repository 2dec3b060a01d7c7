// `npm run package:agent`: the agent alone, for hosts without Flatland, as out/package/flatland-agent-linux-ARCH.tar.gz. It
// takes what `npm run build` has made.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = join(root, 'out', 'package');
const folder = join(out, 'flatland-agent');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const name of ['agent.cjs', 'koffi.node']) cpSync(join(root, 'out', 'agent', name), join(folder, name));
for (const name of ['flatland-agent', 'flatland-agent.service'])
  cpSync(join(root, 'resources', 'package', 'agent', name), join(folder, name));
cpSync(join(root, 'docs', 'agent.md'), join(folder, 'README.md'));
chmodSync(join(folder, 'flatland-agent'), 0o755);
symlinkSync('flatland-agent', join(folder, 'mk-docker-opts.sh'));
const archive = `flatland-agent-linux-${process.arch}.tar.gz`;
const { status } = spawnSync('tar', ['-czf', archive, 'flatland-agent'], { cwd: out, stdio: 'inherit' });
process.exitCode = status ?? 1;
