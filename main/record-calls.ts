import type { LabEvent } from '../contract/event.ts';
import type { ProbeResult } from '../contract/probe.ts';
import { type ExecRequest, execRequest } from '../contract/request.ts';
import { commandWords } from './lab/chronicle.ts';
import type { HistoryDraft } from './lab/history.ts';
import { createRecorder } from './lab/recorder.ts';
import { chooseLab } from './lab/session.ts';
import { readRecord } from './lab/state.ts';
import type { Router } from './router.ts';

type Sink = (event: LabEvent) => void;

/**
 * The same router, whose calls are written into the history of their lab, so that every door shows what was done at
 * another. Recording never makes a call fail: what goes wrong with it is only told to `onFailure`.
 */
export function recordCalls(router: Router, onFailure: (thrown: unknown) => void): Router {
  const recorder = createRecorder(onFailure);

  const recorded = async (sink: Sink, work: (sink: Sink) => Promise<void>): Promise<void> => {
    const record = recorder.work();
    try {
      await work((event) => {
        record(event);
        sink(event);
      });
    } finally {
      await recorder.settled();
    }
  };

  const note = async (lab: string | undefined, draft: Omit<HistoryDraft, 'at' | 'subject' | 'pair'>) => {
    // A choice that means no lab is the call's own failure.
    const name = await chooseLab(lab).catch(() => null);
    const at = new Date().toISOString();
    if (name !== null) recorder.entries(name, [{ at, subject: 'command', pair: null, ...draft }]);
    await recorder.settled();
  };

  const noteCommand = async (request: ExecRequest) => {
    const parsed = execRequest.safeParse(request);
    if (!parsed.success) return;
    const { lab, target, command } = parsed.data;
    const name = await chooseLab(lab).catch(() => null);
    const record = name === null ? null : await readRecord(name);
    const isHost = record?.lab.hosts.some((host) => host.name === target) ?? false;
    await note(lab, {
      level: 'neutral',
      title: `${target}: ${command.length === 0 ? 'a shell' : commandWords(command)}`,
      detail: null,
      host: isHost ? target : null,
      pod: isHost ? null : target,
    });
  };

  const notePod = (lab: string | undefined, pod: string, title: string) =>
    note(lab, { level: 'neutral', title, detail: null, host: null, pod });

  return {
    ...router,
    up: (source, sink, signal) => recorded(sink, (inner) => router.up(source, inner, signal)),
    repair: (choice, sink, signal) => recorded(sink, (inner) => router.repair(choice, inner, signal)),
    down: (choice, sink, signal) => recorded(sink, (inner) => router.down(choice, inner, signal)),
    probe: (request, sink, signal) => recorded(sink, (inner) => router.probe(request, inner, signal)),
    loadImage: (request, sink, signal) => recorded(sink, (inner) => router.loadImage(request, inner, signal)),
    stopHost: (request, sink, signal) => recorded(sink, (inner) => router.stopHost(request, inner, signal)),
    remeasure: async (request, sink, signal) => {
      const results: ProbeResult[] = [];
      try {
        await router.remeasure(
          request,
          (result) => {
            results.push(result);
            sink(result);
          },
          signal,
        );
      } finally {
        const name = results.length === 0 ? null : await chooseLab(request.lab).catch(() => null);
        if (name !== null) recorder.remeasured(name, results);
        await recorder.settled();
      }
    },
    run: async (request, signal) => {
      const pod = await router.run(request, signal);
      const title = `Container ${pod.name} started on ${pod.host}`;
      const command = request.command === undefined ? null : commandWords(request.command);
      const detail = [pod.image, ...(command === null ? [] : [command])].join(', ');
      await note(request.lab, { level: 'neutral', title, detail, host: pod.host, pod: pod.name });
      return pod;
    },
    startPod: async (request, signal) => {
      await router.startPod(request, signal);
      await notePod(request.lab, request.pod, `Started ${request.pod}`);
    },
    stopPod: async (request, signal) => {
      await router.stopPod(request, signal);
      await notePod(request.lab, request.pod, `Stopped ${request.pod}`);
    },
    removePod: async (request, signal) => {
      await router.removePod(request, signal);
      await notePod(request.lab, request.pod, `Removed ${request.pod}`);
    },
    exec: async (request, streams, signal) => {
      const recording = noteCommand(request);
      try {
        return await router.exec(request, streams, signal);
      } finally {
        await recording;
      }
    },
  };
}
