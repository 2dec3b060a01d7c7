import { basename } from 'node:path';
import type { Lab } from '../../contract/lab.ts';
import type { LoadImageRequest } from '../../contract/request.ts';
import { failure, toFlatlandError } from '../failure.ts';
import { checkImageFile, loadImageFile } from '../provision/load-image.ts';
import { findHost } from './attend.ts';
import { reporter } from './report.ts';
import { runSteps, type Step, type StepContext } from './schedule.ts';
import type { Connections, Sink } from './session.ts';

const mebibyte = 1_048_576;
/** Usual and least speed of a load in MiB a second: what one host takes on two cores, and what a slow SSH link gives. */
const usualSpeed = 60;
const leastSpeed = 0.5;
const progressMilliseconds = 250;

const inMebibytes = (bytes: number): string => (bytes / mebibyte).toFixed(1);

/** Says how much was sent, a few times a second and once all of it is. */
function sentReporter(total: number, { progress }: StepContext): (bytes: number) => void {
  let sent = 0;
  let told = 0;
  return (bytes) => {
    sent += bytes;
    const now = performance.now();
    if (sent < total && now - told < progressMilliseconds) return;
    told = now;
    const of = `${inMebibytes(sent)} of ${inMebibytes(total)} MiB`;
    progress(sent < total ? of : `${of}, Docker unpacks it`);
  };
}

/**
 * Loads an image file of this machine into hosts of a lab, side by side, as long work `image` with one step a host. Rejects
 * before it began with `host-unknown`, or with `image-invalid` for a file that can be no image.
 */
export async function loadImageInto(
  lab: Lab,
  connections: Connections,
  { hosts: names, path }: LoadImageRequest,
  sink: Sink,
  signal: AbortSignal,
  onFailure: (thrown: unknown) => void,
): Promise<void> {
  const hosts = [...new Set(names)].map((name) => findHost(lab, name));
  const total = await checkImageFile(path);
  const size = total / mebibyte;
  const steps: Step[] = hosts.map((host) => ({
    id: `load:${host.name}`,
    title: `load ${basename(path)}`,
    host: host.name,
    needs: [],
    expectedSeconds: Math.round((0.5 + (size * hosts.length) / usualSpeed) * 10) / 10,
    deadlineSeconds: 60 + Math.ceil(size / leastSpeed),
    perform: async (context) => {
      const connection = await connections.get(host, context.signal, 5);
      const loaded = await loadImageFile(connection, path, context.signal, sentReporter(total, context));
      return { outcome: 'changed', detail: loaded.join(', ') };
    },
  }));
  const report = reporter(lab.name, 'image', sink);
  report.planned(steps.map(({ perform: _, ...step }) => step));
  try {
    const outcome = await runSteps(lab.name, steps, sink, signal);
    if (outcome.kind === 'failed') onFailure(outcome.cause);
    const cancelled = failure('cancelled', 'Cancelled.', {
      hint: 'What a host had loaded completely stays there.',
    });
    if (outcome.kind === 'done') report.finished('done', null, null);
    else report.finished(outcome.kind, null, outcome.kind === 'failed' ? outcome.error : cancelled.error);
  } catch (thrown) {
    onFailure(thrown);
    report.finished('failed', null, toFlatlandError(thrown));
  }
}
