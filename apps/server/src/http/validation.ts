import { BtyError } from '@bty/wire-types';
import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import type { FieldProblem } from './problem.dto.js';

function fieldProblems(errors: readonly ValidationError[], parent = ''): FieldProblem[] {
  return errors.flatMap((error) => {
    const field = parent === '' ? error.property : `${parent}.${error.property}`;
    const own = Object.values(error.constraints ?? {}).map((problem) => ({ field, problem }));
    return [...own, ...fieldProblems(error.children ?? [], field)];
  });
}

/** The error for content that cannot be taken; its message names the fields. */
export function invalidFields(fields: FieldProblem[]): BtyError {
  const message = fields.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
  return new BtyError('INVALID_REQUEST', message, { details: { fields } });
}

/** Checks every body and query against its DTO; a field that the DTO does not know is an error. */
export const validationPipe = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: (errors) => invalidFields(fieldProblems(errors)),
});
