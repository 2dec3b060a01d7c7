import { createHash } from 'node:crypto';
import { arch } from 'node:os';
import { buildPodImage } from '../../main/provision/image/pod-image.ts';
import { tarOf } from '../../main/tar.ts';

/** The built-in image under another name, as `docker save` would write it (OCI image-spec, and Docker's manifest.json). */
export async function savedImage(name: string): Promise<Buffer> {
  const { tar: layer } = await buildPodImage();
  const digest = createHash('sha256').update(layer).digest('hex');
  const configuration = JSON.stringify({
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    os: 'linux',
    config: { Cmd: ['/bin/serve'], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  });
  const manifest = JSON.stringify([
    { Config: 'configuration.json', RepoTags: [name], Layers: ['layer.tar'] },
  ]);
  const epoch = { mtime: new Date(0), uid: 0, gid: 0 };
  return tarOf([
    { header: { ...epoch, name: 'layer.tar' }, content: layer },
    { header: { ...epoch, name: 'configuration.json' }, content: configuration },
    { header: { ...epoch, name: 'manifest.json' }, content: manifest },
  ]);
}
