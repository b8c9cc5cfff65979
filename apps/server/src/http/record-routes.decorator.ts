import { applyDecorators, type Type } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import { ApiProblems } from './api-problems.decorator.js';

const RECORD_ETAG = { ETag: { description: 'of the record', schema: { type: 'string' } } } as const;
const IF_NONE_MATCH = { name: 'If-None-Match', required: false } as const;
const IF_MATCH = {
  name: 'If-Match',
  required: false,
  description: 'ETag that the record was seen with; else 412',
} as const;

/** Documents an answer by `sendRecord`. */
export function SendsRecord(status: 200 | 201 | 202, type: Type, description: string): MethodDecorator {
  return ApiResponse({ status, type, description, headers: RECORD_ETAG });
}

/** Documents a route that shows one record, and spares a reader what it has. */
export function ReadsRecord(type: Type): MethodDecorator {
  return applyDecorators(
    ApiHeader({ ...IF_NONE_MATCH, description: 'ETag of what the reader has' }),
    SendsRecord(200, type, 'The record.'),
    ApiResponse({ status: 304, description: 'The reader has it: `If-None-Match` names its ETag.' }),
  );
}

/** Documents a route that changes a record, or removes it, unless `revisionCheck` refuses. */
export function ChecksRevision(): MethodDecorator {
  return applyDecorators(ApiHeader(IF_MATCH), ApiProblems(412));
}

/** As {@link ChecksRevision}, of a route that may also make the record. */
export function ChecksRevisionOrNone(): MethodDecorator {
  return applyDecorators(
    ChecksRevision(),
    ApiHeader({ ...IF_NONE_MATCH, description: '`*`: only make a record, replace none' }),
  );
}
