import { Readable } from 'node:stream';
import { z } from 'zod';
import { builtInImage } from '../../contract/lab.ts';
import type { ImageSummary } from '../../contract/request.ts';
import { raceAbort } from '../abort.ts';
import { failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { type DockerClient, dockerOf, dockerWords } from './docker.ts';
import { buildPodImage } from './image/pod-image.ts';
import { withRegistryProxy } from './registry-proxy.ts';

/** The number of an image that a name means; null when it means none. */
async function imageId(docker: DockerClient, name: string): Promise<string | null> {
  return docker
    .getImage(name)
    .inspect()
    .then(
      ({ Id }) => Id,
      () => null,
    );
}

const finished = (docker: DockerClient, stream: NodeJS.ReadableStream, onProgress: (text: string) => void) =>
  new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error === null ? resolve() : reject(error)),
      (event: { status?: string; error?: string }) => {
        if (event.error !== undefined) reject(new Error(event.error));
        else onProgress(event.status ?? '');
      },
    );
  });

/** Docker pulls every tag of a name that has none, so one is always named. */
function nameAndTag(image: string): { fromImage: string; tag?: string } {
  if (image.includes('@')) return { fromImage: image };
  const colon = image.lastIndexOf(':');
  if (colon > image.lastIndexOf('/'))
    return { fromImage: image.slice(0, colon), tag: image.slice(colon + 1) };
  return { fromImage: image, tag: 'latest' };
}

interface ImageContext {
  readonly signal: AbortSignal;
  readonly progress: (message: string) => void;
}

async function ensureBuiltIn(
  docker: DockerClient,
  { signal, progress }: ImageContext,
): Promise<'changed' | 'unchanged'> {
  const built = await buildPodImage();
  const known = await imageId(docker, built.tag);
  // An import that was cut off here has the image but not its name.
  if (known !== null && known === (await imageId(docker, builtInImage))) return 'unchanged';
  if (known === null) {
    const [repository, tag] = built.tag.split(':');
    const stream = await docker.importImage(Readable.from([built.tar]), {
      fromSrc: '-',
      repo: repository,
      tag,
      changes: built.changes,
      abortSignal: signal,
    });
    await finished(docker, stream, progress);
  }
  await docker.getImage(built.tag).tag({ repo: builtInImage, tag: 'latest' });
  return 'changed';
}

async function ensurePulled(
  connection: Connection,
  image: string,
  { signal, progress }: ImageContext,
): Promise<'changed' | 'unchanged'> {
  const docker = dockerOf(connection);
  if ((await imageId(docker, image)) !== null) return 'unchanged';
  progress(`pulling ${image}`);
  await withRegistryProxy(connection, async () => {
    const stream = await docker.createImage({ ...nameAndTag(image), abortSignal: signal });
    await raceAbort(finished(docker, stream, progress), signal);
  });
  return 'changed';
}

/**
 * Makes sure that a host has an image: the built-in one is imported from a tar made here, any other is pulled, by way
 * of this machine. Rejects with `image-unknown` when it can neither be found nor pulled.
 */
export async function ensureImage(
  connection: Connection,
  image: string,
  context: ImageContext,
): Promise<'changed' | 'unchanged'> {
  const docker = dockerOf(connection);
  try {
    const work =
      image === builtInImage ? ensureBuiltIn(docker, context) : ensurePulled(connection, image, context);
    return await raceAbort(work, context.signal);
  } catch (cause) {
    context.signal.throwIfAborted();
    throw failure(
      'image-unknown',
      `Image ${image} could not be put on ${connection.name}: ${dockerWords(cause)}`,
      {
        cause,
      },
    );
  }
}

const listedImage = z.object({ Id: z.string(), RepoTags: z.array(z.string()).nullish(), Size: z.int() });

/** Images of a host by the names that it can run them with, the built-in one first. Rejects with `docker-failed`. */
export async function listImages(connection: Connection, signal: AbortSignal): Promise<ImageSummary[]> {
  const docker = dockerOf(connection);
  try {
    const listed = z
      .array(listedImage)
      .parse(await raceAbort(docker.listImages({ abortSignal: signal }), signal));
    return (
      listed
        .flatMap(({ Id, RepoTags, Size }) =>
          (RepoTags ?? []).map((tag) => ({
            name: tag === `${builtInImage}:latest` ? builtInImage : tag,
            id: Id,
            bytes: Size,
          })),
        )
        // The tag of a version of the built-in image is Flatland's own affair.
        .filter(({ name }) => name !== '<none>:<none>' && !name.startsWith(`${builtInImage}:`))
        .sort(
          (one, other) =>
            Number(other.name === builtInImage) - Number(one.name === builtInImage) ||
            one.name.localeCompare(other.name, 'en'),
        )
    );
  } catch (cause) {
    signal.throwIfAborted();
    throw failure(
      'docker-failed',
      `Docker of ${connection.name} did not list its images: ${dockerWords(cause)}`,
      {
        cause,
      },
    );
  }
}
