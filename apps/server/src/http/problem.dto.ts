import { type BtyError, ERROR_CODE_NAMES, ERROR_CODES, type ErrorCode } from '@bty/wire-types';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { HTTP_STATUS } from './http-status.js';

/** One field of a request that cannot be taken. */
export class FieldProblem {
  /** Name of the field, with dots for nesting, for instance `target_hint.serial`. */
  field: string;

  /** What is wrong with it. */
  problem: string;
}

/** Body of every error: `application/problem+json` of RFC 9457. */
export class Problem {
  /**
   * Names the kind of problem.
   * @example 'urn:bty:problem:not-found'
   */
  type: string;

  /** The kind of problem in words. */
  title: string;

  /** HTTP status. */
  @ApiProperty({ type: 'integer', example: 404 })
  status: number;

  /** What happened this time. */
  detail: string;

  /** The kind of problem for a program. */
  @ApiProperty({ enum: ERROR_CODE_NAMES, enumName: 'ErrorCode' })
  code: ErrorCode;

  /** Whether the same request may succeed later without anybody changing anything. */
  retryable: boolean;

  /** The fields that cannot be taken, when the request's content is at fault. */
  fields?: FieldProblem[];

  /** Facts for a program, for instance `job_id` of the job that stands in the way. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: Record<string, unknown>;
}

/** The body for an error; `detail` replaces its message where that must not be shown. */
export function toProblem(error: BtyError, detail = error.message): Problem {
  const { fields, ...details } = error.details as { fields?: FieldProblem[] };
  const entry = ERROR_CODES[error.code];
  return {
    type: `urn:bty:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: entry.says,
    status: HTTP_STATUS[error.code],
    detail,
    code: error.code,
    retryable: entry.retryable,
    ...(fields === undefined ? {} : { fields }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}
