import type { MtuLadder, ProbeResult, ProbeSelection } from '../../contract/probe.ts';
import type {
  HostRequest,
  LabSource,
  LadderRequest,
  LogsRequest,
  PodLogsRequest,
  ProbeRequest,
} from '../../contract/request.ts';
import type { LabSummary } from '../../contract/status.ts';
import type { Task } from '../../contract/task.ts';
import type { OutputEvent, WatchEvent } from '../../contract/watch.ts';
import type { Router } from '../router.ts';

/** Long work as a screen asks for it. */
export type WorkRequest =
  | { readonly kind: 'up'; readonly source: LabSource }
  | { readonly kind: 'repair'; readonly lab: string }
  | { readonly kind: 'down'; readonly lab: string }
  | ({ readonly kind: 'probe'; readonly lab: string } & ProbeRequest)
  | ({ readonly kind: 'stop-host'; readonly lab: string } & HostRequest)
  | {
      readonly kind: 'load-image';
      readonly lab: string;
      readonly hosts: readonly string[];
      readonly upload: string;
    };

/** What the screens of one process share: tasks, watched labs, terminals and uploads. It outlives every screen. */
export interface Screens {
  readonly router: Router;
  /** What was begun, oldest first. */
  tasks(): Task[];
  labs(): LabSummary[];
  watch(lab: string | null, signal: AbortSignal | undefined): AsyncIterable<WatchEvent>;
  /** Begins long work and resolves to its task's id. */
  begin(request: WorkRequest): Promise<{ task: string }>;
  cancelTask(id: string): void;
  dismissTask(id: string): void;
  setSchedule(
    lab: string,
    schedule: { everySeconds: number; selection: ProbeSelection } | null,
  ): Promise<void>;
  probesAt(lab: string, at: string): Promise<ProbeResult[]>;
  report(lab: string): Promise<string>;
  diagnostics(lab: string | undefined): Promise<string>;
  ladder(request: LadderRequest, signal: AbortSignal | undefined): AsyncIterable<MtuLadder>;
  podLogs(request: PodLogsRequest, signal: AbortSignal | undefined): AsyncIterable<OutputEvent>;
  hostLogs(request: LogsRequest, signal: AbortSignal | undefined): AsyncIterable<OutputEvent>;
  openTerminal(request: {
    lab: string;
    target: string;
    command: string[];
    columns: number;
    rows: number;
  }): Promise<{ id: string }>;
  reopenTerminal(id: string): Promise<void>;
  terminalOutput(id: string, from: number, signal: AbortSignal | undefined): AsyncIterable<OutputEvent>;
  writeTerminal(id: string, data: Buffer): void;
  resizeTerminal(id: string, size: { columns: number; rows: number }): void;
  closeTerminal(id: string): void;
  beginUpload(file: { name: string; bytes: number }): Promise<{ id: string }>;
  uploadChunk(id: string, offset: number, data: Buffer): Promise<void>;
  /** Ends what ends with this process: terminals and watches; tasks are cancelled and waited for. */
  close(): Promise<void>;
}
