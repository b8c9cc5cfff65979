import { ERROR_CODES, type ErrorCode } from './error-codes.js';

/** Facts about one failure that a reader or a program needs: an offset, an LBA, the disks that were refused. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The one error of bty: a code from the table, a sentence for a person, facts for a program, and what caused it. */
export class BtyError extends Error {
  override readonly name = 'BtyError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Turns whatever was thrown into a BtyError, `INTERNAL` when it is none; the original stays as its cause. */
export function toBtyError(thrown: unknown): BtyError {
  if (thrown instanceof BtyError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BtyError('INTERNAL', message, { cause: thrown });
}
