import { create } from 'zustand';
import type { FlatlandError } from '../../contract/error.ts';
import type { PodStatus } from '../../contract/status.ts';
import { type Client, toError } from '../rpc/client.ts';

export type PodAction = 'stop' | 'start' | 'remove';

/** What a container is being asked to do; `from` is the state that it was in. */
interface PodWork {
  readonly action: PodAction;
  readonly from: PodStatus['state'];
  readonly answered: boolean;
}

interface PodFailure {
  readonly key: string;
  readonly title: string;
  readonly error: FlatlandError;
  readonly again: () => void;
}

interface Work {
  /** By `workKey`. */
  readonly busy: ReadonlyMap<string, PodWork>;
  readonly failures: readonly PodFailure[];
}

/** What is asked of containers at this moment, wherever it is drawn; that it happened is told by the stream alone. */
export const usePodWork = create<Work>(() => ({ busy: new Map(), failures: [] }));

/** After an answer the stream soon tells the same; it is not waited for longer than this. */
const patienceMilliseconds = 6000;

const workKey = (lab: string, pod: string): string => `${lab} ${pod}`;

export const doing: Record<PodAction, string> = { stop: 'stopping', start: 'starting', remove: 'removing' };

/** What a container is being asked to do; null when nothing, or when the stream already tells of it. */
export function actionOn(busy: Work['busy'], lab: string, pod: PodStatus): PodAction | null {
  const work = busy.get(workKey(lab, pod.name));
  if (work === undefined || (work.answered && pod.state !== work.from)) return null;
  return work.action;
}

const setBusy = (key: string, work: PodWork | null): void =>
  usePodWork.setState(({ busy }) => {
    const next = new Map(busy);
    if (work === null) next.delete(key);
    else next.set(key, work);
    return { busy: next };
  });

export const dismissFailure = (key: string): void =>
  usePodWork.setState(({ failures }) => ({ failures: failures.filter((failure) => failure.key !== key) }));

/** Asks a container to stop, start or go. A failure stays until it is dismissed or tried again. */
export function askPod(client: Client, lab: string, pod: PodStatus, action: PodAction): void {
  const key = workKey(lab, pod.name);
  const work = { action, from: pod.state, answered: false };
  dismissFailure(key);
  setBusy(key, work);
  const call = { stop: client.stopPod, start: client.startPod, remove: client.removePod }[action];
  call.mutate({ lab, pod: pod.name }).then(
    () => {
      const answered = { ...work, answered: true };
      setBusy(key, answered);
      setTimeout(() => {
        if (usePodWork.getState().busy.get(key) === answered) setBusy(key, null);
      }, patienceMilliseconds);
    },
    (thrown: unknown) => {
      setBusy(key, null);
      const failure = {
        key,
        title: `Could not ${action} ${pod.name}`,
        error: toError(thrown),
        again: () => askPod(client, lab, pod, action),
      };
      usePodWork.setState(({ failures }) => ({ failures: [...failures, failure] }));
    },
  );
}
