import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { Problem } from './problem.dto.js';

const MEANINGS = {
  400: 'The MAC address in the path is not one.',
  401: 'No valid credential was given.',
  403: 'The credential does not allow it.',
  404: 'There is no such thing.',
  409: 'It conflicts with the present state; `code` says how.',
  412: 'The thing has changed: `If-Match` or `If-None-Match` does not hold.',
  413: 'Too large.',
  416: 'The range lies outside.',
  422: 'The content cannot be taken; `fields` names what is wrong.',
  429: 'Too many attempts; `Retry-After` says when to try again.',
  503: 'A part of the server is not reachable now; try again.',
  507: 'There is no room.',
} as const;

/** Documents the errors of a route. 503 is possible everywhere. */
export function ApiProblems(...statuses: (keyof typeof MEANINGS)[]): MethodDecorator {
  const responses = [...statuses, 503 as const].map((status) =>
    ApiResponse({
      status,
      description: MEANINGS[status],
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(Problem) } } },
    }),
  );
  return applyDecorators(ApiExtraModels(Problem), ...responses);
}
