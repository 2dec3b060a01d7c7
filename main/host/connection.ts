import type { Agent } from 'node:http';
import type { Duplex, Readable } from 'node:stream';

/** Where a host answers SSH, and what proves that it is the right one. `hostKey` is the pinned public key, OpenSSH one-line form. */
export interface ConnectionTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: string;
}

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Resolves to the exit code once both outputs are read to their ends; 128 + signal number when a signal ended it.
   * Rejects with `host-lost` when the connection dies.
   */
  readonly exit: Promise<number>;
  resize(size: { columns: number; rows: number }): void;
  /** Ends the command on the host with all that it started. */
  kill(): void;
}

export type ConnectionState =
  | { readonly kind: 'connected' }
  | {
      readonly kind: 'reconnecting';
      readonly attempt: number;
      readonly nextTryAt: number;
      readonly reason: string;
    }
  | { readonly kind: 'closed' };

/** The one way to talk to a host, whatever its provider. Arguments are always an argv: quoting is done here. */
export interface Connection {
  readonly name: string;
  state(): ConnectionState;
  onState(listener: (state: ConnectionState) => void): () => void;
  /** Runs a command to its end. Rejects with `command-failed` (with the last lines of stderr) unless `anyExit` is given. */
  exec(
    argv: readonly string[],
    options?: {
      readonly input?: string | Uint8Array;
      readonly signal?: AbortSignal;
      readonly deadlineSeconds?: number;
      readonly anyExit?: boolean;
      readonly onLine?: (line: string) => void;
    },
  ): Promise<ExecResult>;
  /** Runs a POSIX shell script with arguments (`$1`, …) and an empty stdin, with the same options. */
  script(
    text: string,
    args?: readonly string[],
    options?: {
      readonly signal?: AbortSignal;
      readonly deadlineSeconds?: number;
      readonly anyExit?: boolean;
      readonly onLine?: (line: string) => void;
    },
  ): Promise<ExecResult>;
  /** Starts a command with streams; an empty argv is a login shell. */
  start(
    argv: readonly string[],
    options?: { readonly terminal?: { columns: number; rows: number; type: string } },
  ): Promise<RunningCommand>;
  /** Writes files (parents are made, temporary file + rename) in one round trip. */
  place(files: readonly PlacedFile[], options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Reads a file; null when it does not exist. */
  read(path: string): Promise<Buffer | null>;
  /** Opens a stream to a Unix socket on the host. */
  openUnix(path: string): Promise<Duplex>;
  /** Opens a stream to a TCP port as seen from the host. */
  openTcp(address: string, port: number): Promise<Duplex>;
  /** An HTTP agent whose every connection goes to that Unix socket (for dockerode and the agent's status). */
  httpAgent(path: string): Agent;
  /** Listens on loopback here and forwards each connection to a TCP port as seen from the host (for etcd3). */
  forward(address: string, port: number): Promise<{ readonly port: number; close(): Promise<void> }>;
  /**
   * Listens on a port of the host's own loopback and hands each stream that is opened there to `onStream` here. Null when
   * the host says no, as it does while another connection has that port.
   */
  serve(port: number, onStream: (stream: Duplex) => void): Promise<{ close(): Promise<void> } | null>;
  close(): Promise<void>;
}

/** A file to write on a host. `mode` is octal permissions such as 0o600. */
export interface PlacedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string | Uint8Array;
}
