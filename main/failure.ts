import { type ErrorCode, errorCatalogue, type FlatlandError } from '../contract/error.ts';

/** An error of the catalogue on its way to a door. The cause goes to the log, never to a user. */
export class Failure extends Error {
  readonly error: FlatlandError;

  constructor(error: FlatlandError, cause?: unknown) {
    super(error.message, { cause });
    this.name = 'Failure';
    this.error = error;
  }
}

/** Makes an error of the catalogue; `hint` replaces the catalogue's own where a better one is known. */
export function failure(
  code: ErrorCode,
  message: string,
  extra: { hint?: string; fix?: string; cause?: unknown } = {},
): Failure {
  const error: FlatlandError = { code, message, hint: extra.hint ?? errorCatalogue[code].hint };
  return new Failure(extra.fix === undefined ? error : { ...error, fix: extra.fix }, extra.cause);
}

/** The catalogue's view of anything thrown: a `Failure` keeps its own, a cancelled signal is `cancelled`, the rest is `internal`. */
export function toFlatlandError(thrown: unknown): FlatlandError {
  if (thrown instanceof Failure) return thrown.error;
  if (thrown instanceof Error && thrown.name === 'AbortError') return failure('cancelled', 'Cancelled').error;
  return failure('internal', thrown instanceof Error ? thrown.message : String(thrown)).error;
}
