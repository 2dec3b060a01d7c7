import type { LabEvent } from '../contract/event.ts';
import type { LiveEvent } from '../contract/live.ts';
import type { MtuLadder, ProbeResult } from '../contract/probe.ts';
import type {
  CheckRequest,
  CheckResult,
  ExecRequest,
  HostRequest,
  ImageSummary,
  LabChoice,
  LabSource,
  LadderRequest,
  LoadImageRequest,
  LogsRequest,
  PlanResult,
  PodLogsRequest,
  PodRequest,
  ProbeRequest,
  RunRequest,
} from '../contract/request.ts';
import type { LabStatus, LabSummary, PodStatus } from '../contract/status.ts';

/** Both directions of a running command. `resize` fires when the caller's terminal changes its size. */
export interface ExecStreams {
  readonly input: NodeJS.ReadableStream | null;
  readonly output: NodeJS.WritableStream;
  readonly error: NodeJS.WritableStream;
  readonly onResize?: (listener: (size: { columns: number; rows: number }) => void) => void;
}

/**
 * The one typed API behind every door. Long work reports to `sink` and ends with a `finished` event, also when it fails
 * or is cancelled through `signal`; it rejects only for input that never became work (a `Failure`).
 */
export interface Router {
  /** What `up` would do; touches nothing. */
  plan(source: LabSource): Promise<PlanResult>;
  /** What is to be said of a lab file while it is written; never rejects for what is in the file. */
  check(request: CheckRequest): Promise<CheckResult>;
  /** The lab file (YAML) of a lab that exists. */
  describe(choice: LabChoice): Promise<string>;
  up(source: LabSource, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  /** Brings up again what a lab is missing, from what is remembered of it. */
  repair(choice: LabChoice, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  down(choice: LabChoice, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  probe(request: ProbeRequest, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  /** Measures cells that are repeated: no work and no event of their own, just results. */
  remeasure(request: ProbeRequest, sink: (result: ProbeResult) => void, signal: AbortSignal): Promise<void>;
  /** Finds the path MTU of one pair by trying sizes; `sink` gets the ladder as it grows. */
  ladder(request: LadderRequest, sink: (ladder: MtuLadder) => void, signal: AbortSignal): Promise<MtuLadder>;
  list(): Promise<LabSummary[]>;
  /** All labs, at once and whenever one changes, until `signal` is aborted. */
  watchLabs(sink: (labs: LabSummary[]) => void, signal: AbortSignal): Promise<void>;
  status(choice: LabChoice): Promise<LabStatus>;
  /** Everything that happens in a lab, first what is known of it, until it is gone or `signal` is aborted. */
  watch(choice: LabChoice, sink: (event: LiveEvent) => void, signal: AbortSignal): Promise<void>;
  /** Starts a test container with an overlay address. */
  run(request: RunRequest, signal: AbortSignal): Promise<PodStatus>;
  stopPod(request: PodRequest, signal: AbortSignal): Promise<void>;
  startPod(request: PodRequest, signal: AbortSignal): Promise<void>;
  removePod(request: PodRequest, signal: AbortSignal): Promise<void>;
  images(request: HostRequest, signal: AbortSignal): Promise<ImageSummary[]>;
  loadImage(request: LoadImageRequest, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  /** Switches a host off, as if its power had failed; `repair` brings it back. */
  stopHost(request: HostRequest, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  /** Resolves to the command's exit code. */
  exec(request: ExecRequest, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  logs(request: LogsRequest, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  podLogs(request: PodLogsRequest, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  /** Ends connections that the router keeps open; labs stay up. */
  close(): Promise<void>;
}
