import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { builtInImage } from '../../../contract/lab.ts';
import { failure } from '../../failure.ts';
import { type TarEntry, tarOf } from '../../tar.ts';

/** A root file system for `docker import`, the name it goes by, and the Dockerfile instructions that go with it. */
export interface PodImage {
  readonly tar: Buffer;
  readonly tag: string;
  readonly changes: readonly string[];
}

const run = promisify(execFile);
const candidates = ['/bin/busybox', '/usr/bin/busybox'];

/** Answers who asks: the address that the server sees, which is the pod's own unless something translated it. */
const whoami = `#!/bin/sh
read -r pod < /proc/sys/kernel/hostname
address=\${REMOTE_ADDR#[}
address=\${address%]}
printf 'Content-Type: application/json\\r\\n\\r\\n{"pod":"%s","source":"%s"}\\n' "$pod" "\${address#::ffff:}"
`;

/** The kernel gives the first process of a pod no default signal handlers (pid_namespaces(7)), so the shell sets one. */
const serve = `#!/bin/sh
httpd -f -p "\${PORT:-80}" -h /www &
server=$!
trap 'kill $server; exit 0' TERM INT
wait $server
`;

/** Whether an ELF file is complete in itself: it names no interpreter (elf(5), PT_INTERP). */
export function isStatic(file: Buffer): boolean {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46) return false;
  const wide = file[4] === 2;
  const offset = wide ? Number(file.readBigUInt64LE(32)) : file.readUInt32LE(28);
  const size = file.readUInt16LE(wide ? 54 : 42);
  const count = file.readUInt16LE(wide ? 56 : 44);
  if (count === 0) return false;
  for (let index = 0; index < count; index += 1) {
    const header = offset + index * size;
    if (header + 4 > file.length || file.readUInt32LE(header) === 3) return false;
  }
  return true;
}

async function staticBusybox(): Promise<{ file: Buffer; applets: string[] }> {
  for (const path of candidates) {
    const file = await readFile(path).catch(() => null);
    if (file === null || !isStatic(file)) continue;
    const { stdout } = await run(path, ['--list']);
    return {
      file,
      applets: stdout.split('\n').filter((name) => /^[a-z0-9._[-]+$/i.test(name) && name !== 'busybox'),
    };
  }
  throw failure(
    'package-missing',
    'The built-in image is made from a static busybox: Debian package busybox-static.',
    { fix: 'apt-get install --no-install-recommends busybox-static' },
  );
}

async function build(): Promise<PodImage> {
  const { file: busybox, applets } = await staticBusybox();
  const epoch = { mtime: new Date(0), uid: 0, gid: 0 };
  const directory = (name: string, mode = 0o755): TarEntry => ({
    header: { ...epoch, name, mode, type: 'directory' },
  });
  const file = (name: string, content: string | Buffer, mode = 0o644): TarEntry => ({
    header: { ...epoch, name, mode },
    content,
  });
  const tar = await tarOf([
    directory('bin'),
    directory('etc'),
    directory('tmp', 0o1777),
    directory('root', 0o700),
    directory('www'),
    directory('www/cgi-bin'),
    file('bin/busybox', busybox, 0o755),
    ...applets.map(
      (applet): TarEntry => ({
        header: { ...epoch, name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' },
      }),
    ),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    file('etc/group', 'root:x:0:\n'),
    file('etc/hosts', '127.0.0.1 localhost\n'),
    file(
      'www/index.html',
      '<!doctype html><title>Flatland pod</title><p>This pod has an address of its own.</p>\n',
    ),
    file('www/cgi-bin/whoami', whoami, 0o755),
    file('bin/serve', serve, 0o755),
  ]);
  const version = createHash('sha256').update(tar).digest('hex').slice(0, 12);
  return {
    tar,
    tag: `${builtInImage}:${version}`,
    changes: ['CMD ["/bin/serve"]', 'EXPOSE 80', 'ENV PATH=/bin', `LABEL flatland.image=${version}`],
  };
}

let built: Promise<PodImage> | null = null;

/**
 * The built-in test image, made once a process; the same busybox gives the same bytes. Rejects with `package-missing`
 * when the machine has no static busybox; the next call looks again.
 */
export function buildPodImage(): Promise<PodImage> {
  built ??= build().catch((error: unknown) => {
    built = null;
    throw error;
  });
  return built;
}
