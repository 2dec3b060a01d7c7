import type { LabEvent } from '../contract/event.ts';
import type {
  ExecRequest,
  LabChoice,
  LabSource,
  LogsRequest,
  PlanResult,
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
  up(source: LabSource, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  down(choice: LabChoice, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  probe(choice: LabChoice, sink: (event: LabEvent) => void, signal: AbortSignal): Promise<void>;
  list(): Promise<LabSummary[]>;
  status(choice: LabChoice): Promise<LabStatus>;
  /** Starts a test container with an overlay address. */
  run(request: RunRequest, signal: AbortSignal): Promise<PodStatus>;
  /** Resolves to the command's exit code. */
  exec(request: ExecRequest, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  logs(request: LogsRequest, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  /** Ends connections that the router keeps open; labs stay up. */
  close(): Promise<void>;
}
