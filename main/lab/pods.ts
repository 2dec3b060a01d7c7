import type { Lab } from '../../contract/lab.ts';
import type { ImageSummary, PodLogsRequest } from '../../contract/request.ts';
import type { RunningCommand } from '../host/connection.ts';
import { changePod, dockerOf, type PodDeed } from '../provision/docker.ts';
import { listImages } from '../provision/image.ts';
import { findHost, findPod } from './attend.ts';
import { within } from './deadline.ts';
import type { Connections } from './session.ts';

const deadlineSeconds = 30;

/**
 * Stops, starts or removes a pod, wherever it runs. One that the lab file declares may be removed as well: the next `up` or
 * repair brings it back. A pod that is started again may have another address.
 */
export const actOnPod = (
  lab: Lab,
  connections: Connections,
  name: string,
  deed: PodDeed,
  signal: AbortSignal,
): Promise<void> =>
  within(deadlineSeconds, `Docker to ${deed} ${name}`, signal, async (either) => {
    const { connection, pod } = await findPod(lab, connections, name, either);
    await changePod(dockerOf(connection), pod, deed, either);
  });

/** What a pod printed, and goes on to print where it is followed, on both of its outputs. */
export async function openPodLogs(
  lab: Lab,
  connections: Connections,
  { pod: name, follow, lines }: PodLogsRequest,
  signal: AbortSignal,
): Promise<RunningCommand> {
  const { connection, pod } = await within(deadlineSeconds, `the pod ${name}`, signal, (either) =>
    findPod(lab, connections, name, either),
  );
  return connection.start(['docker', 'logs', `--tail=${lines}`, ...(follow ? ['--follow'] : []), pod.id]);
}

/** The images of a host; see `listImages`. */
export const imagesOf = (
  lab: Lab,
  connections: Connections,
  name: string,
  signal: AbortSignal,
): Promise<ImageSummary[]> =>
  within(deadlineSeconds, `the images of ${name}`, signal, async (either) => {
    const connection = await connections.get(findHost(lab, name), either, 5);
    return listImages(connection, either);
  });
