import { initTRPC, type TRPCError } from '@trpc/server';
import { z } from 'zod';
import type { FlatlandError } from '../../contract/error.ts';
import type { MtuLadder } from '../../contract/probe.ts';
import { probeSelection } from '../../contract/probe.ts';
import {
  checkRequest,
  hostRequest,
  labSource,
  ladderRequest,
  logsRequest,
  podLogsRequest,
  podRequest,
  probeRequest,
  runRequest,
} from '../../contract/request.ts';
import type { OutputEvent, WatchEvent } from '../../contract/watch.ts';
import { toFlatlandError } from '../failure.ts';
import { refuse } from './refuse.ts';
import type { Screens } from './screens.ts';

/** What every call comes with: the state that the screens of this process share. */
export interface RpcContext {
  readonly screens: Screens;
  /** Settles when the way to the screen can take more, or is gone; without it a stream is never held back. */
  readonly drained?: () => Promise<void>;
}

/** A stream that is read no faster than the way to its screen carries it. */
async function* paced<T>(
  values: AsyncIterable<T>,
  drained: RpcContext['drained'],
): AsyncGenerator<T, void, undefined> {
  for await (const value of values) {
    yield value;
    await drained?.();
  }
}

const rpc = initTRPC.context<RpcContext>().create({
  isDev: false,
  errorFormatter: ({ shape, error }) => {
    const flatland = toCatalogue(error);
    return { ...shape, message: flatland.message, data: { ...shape.data, flatland } };
  },
});

/** A call whose input does not parse is the caller's mistake; what a procedure threw has its own error. */
function toCatalogue(error: TRPCError): FlatlandError {
  if (error.code === 'BAD_REQUEST' || error.code === 'NOT_FOUND' || error.code === 'PARSE_ERROR') {
    const [issue] = error.cause instanceof z.ZodError ? error.cause.issues : [];
    const where = issue === undefined ? '' : ` (${[...issue.path, issue.message].join(': ')})`;
    return refuse(`This cannot be done${where}.`, 'Change what was asked for, and try again.').error;
  }
  return toFlatlandError(error.cause ?? error);
}

/** A lab by its name: a screen always says which one it means. */
const named = z.strictObject({ lab: z.string() });
const size = { columns: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) };
const terminalId = z.strictObject({ id: z.string() });
const defined = z.string();

const call = rpc.procedure;

/**
 * The router as it is served to screens, over IPC and over WebSocket alike. Long work answers with the id of its task, whose
 * progress is part of what `watch` tells. Every failure carries the catalogue's error as `data.flatland`.
 */
export const procedures = rpc.router({
  /** The one stream that a screen is drawn from. */
  watch: call
    .input(z.strictObject({ lab: z.string().nullable() }))
    .subscription(
      ({ ctx, input, signal }): AsyncIterable<WatchEvent> =>
        paced(ctx.screens.watch(input.lab, signal), ctx.drained),
    ),

  check: call.input(checkRequest).query(({ ctx, input }) => ctx.screens.router.check(input)),
  describe: call.input(named).query(({ ctx, input }) => ctx.screens.router.describe(input)),
  /** The matrix as it was at a moment: the latest result of each cell up to then. */
  probesAt: call
    .input(named.extend({ at: z.iso.datetime() }))
    .query(({ ctx, input }) => ctx.screens.probesAt(input.lab, input.at)),
  /** A lab's state as one HTML file. */
  report: call.input(named).query(({ ctx, input }) => ctx.screens.report(input.lab)),
  /** What a person who is asked for help needs to know, without secrets, as text. */
  diagnostics: call.input(named.partial()).query(({ ctx, input }) => ctx.screens.diagnostics(input.lab)),
  images: call
    .input(hostRequest.extend({ lab: defined }))
    .query(({ ctx, input, signal }) =>
      ctx.screens.router.images(input, signal ?? new AbortController().signal),
    ),

  up: call.input(labSource).mutation(({ ctx, input }) => ctx.screens.begin({ kind: 'up', source: input })),
  repair: call.input(named).mutation(({ ctx, input }) => ctx.screens.begin({ kind: 'repair', ...input })),
  down: call.input(named).mutation(({ ctx, input }) => ctx.screens.begin({ kind: 'down', ...input })),
  probe: call
    .input(probeRequest.extend({ lab: defined }))
    .mutation(({ ctx, input }) => ctx.screens.begin({ kind: 'probe', ...input })),
  stopHost: call
    .input(hostRequest.extend({ lab: defined }))
    .mutation(({ ctx, input }) => ctx.screens.begin({ kind: 'stop-host', ...input })),
  /** Loads what was uploaded as `upload` into hosts. */
  loadImage: call
    .input(z.strictObject({ lab: z.string(), hosts: z.array(z.string()).min(1), upload: z.string() }))
    .mutation(({ ctx, input }) => ctx.screens.begin({ kind: 'load-image', ...input })),
  cancelTask: call.input(terminalId).mutation(({ ctx, input }) => ctx.screens.cancelTask(input.id)),
  dismissTask: call.input(terminalId).mutation(({ ctx, input }) => ctx.screens.dismissTask(input.id)),

  /** Repeats probes while the lab is watched; null stops that. */
  schedule: call
    .input(
      named.extend({
        schedule: z
          .strictObject({ everySeconds: z.int().min(1).max(3600), selection: probeSelection })
          .nullable(),
      }),
    )
    .mutation(({ ctx, input }) => ctx.screens.setSchedule(input.lab, input.schedule)),
  /** The ladder as it grows; it ends after the last rung. */
  ladder: call
    .input(ladderRequest.extend({ lab: defined }))
    .subscription(
      ({ ctx, input, signal }): AsyncIterable<MtuLadder> =>
        paced(ctx.screens.ladder(input, signal), ctx.drained),
    ),

  run: call
    .input(runRequest.extend({ lab: defined }))
    .mutation(({ ctx, input }) => ctx.screens.router.run(input, AbortSignal.timeout(300_000))),
  stopPod: call
    .input(podRequest.extend({ lab: defined }))
    .mutation(({ ctx, input }) => ctx.screens.router.stopPod(input, AbortSignal.timeout(60_000))),
  startPod: call
    .input(podRequest.extend({ lab: defined }))
    .mutation(({ ctx, input }) => ctx.screens.router.startPod(input, AbortSignal.timeout(60_000))),
  removePod: call
    .input(podRequest.extend({ lab: defined }))
    .mutation(({ ctx, input }) => ctx.screens.router.removePod(input, AbortSignal.timeout(60_000))),
  podLogs: call
    .input(podLogsRequest.extend({ lab: defined }))
    .subscription(
      ({ ctx, input, signal }): AsyncIterable<OutputEvent> =>
        paced(ctx.screens.podLogs(input, signal), ctx.drained),
    ),
  hostLogs: call
    .input(logsRequest.extend({ lab: defined }))
    .subscription(
      ({ ctx, input, signal }): AsyncIterable<OutputEvent> =>
        paced(ctx.screens.hostLogs(input, signal), ctx.drained),
    ),

  /** Opens a shell, or a command, on a host or in a pod. It stays open without the screen. */
  openTerminal: call
    .input(z.strictObject({ lab: z.string(), target: z.string(), command: z.array(z.string()), ...size }))
    .mutation(({ ctx, input }) => ctx.screens.openTerminal(input)),
  /** Opens the same again in place of one that ended or was lost; its scrollback stays. */
  reopenTerminal: call.input(terminalId).mutation(({ ctx, input }) => ctx.screens.reopenTerminal(input.id)),
  /** Output from chunk `from` on; what is not kept any more is left out. */
  terminalOutput: call
    .input(terminalId.extend({ from: z.int().min(0) }))
    .subscription(
      ({ ctx, input, signal }): AsyncIterable<OutputEvent> =>
        paced(ctx.screens.terminalOutput(input.id, input.from, signal), ctx.drained),
    ),
  writeTerminal: call
    .input(terminalId.extend({ base64: z.base64().max(1_400_000) }))
    .mutation(({ ctx, input }) => ctx.screens.writeTerminal(input.id, Buffer.from(input.base64, 'base64'))),
  resizeTerminal: call
    .input(terminalId.extend(size))
    .mutation(({ ctx, input }) =>
      ctx.screens.resizeTerminal(input.id, { columns: input.columns, rows: input.rows }),
    ),
  closeTerminal: call.input(terminalId).mutation(({ ctx, input }) => ctx.screens.closeTerminal(input.id)),

  /** A file from the screen's machine, in chunks that follow each other; the id is good until the file is used or an hour has passed. */
  beginUpload: call
    .input(z.strictObject({ name: z.string().max(255), bytes: z.int().min(1) }))
    .mutation(({ ctx, input }) => ctx.screens.beginUpload(input)),
  uploadChunk: call
    .input(z.strictObject({ id: z.string(), offset: z.int().min(0), base64: z.base64().max(1_400_000) }))
    .mutation(({ ctx, input }) =>
      ctx.screens.uploadChunk(input.id, input.offset, Buffer.from(input.base64, 'base64')),
    ),
});

export type Procedures = typeof procedures;
