import { BtyError, toBtyError } from '@bty/wire-types';
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { isDatabaseOutage, isUnstorableText } from '../db/index.js';
import { allowedMethods } from './allowed-methods.js';
import { HTTP_STATUS } from './http-status.js';
import { toProblem } from './problem.dto.js';

const RETRY_AFTER_SECONDS = 2;

/** The errors of Nest and of the body parser, which carry a status, in our terms; anything unknown is INTERNAL. */
function understand(thrown: unknown): BtyError {
  if (thrown instanceof BtyError) return thrown;
  if (isDatabaseOutage(thrown))
    return new BtyError('UNAVAILABLE', 'the database is not reachable now', { cause: thrown });
  if (isUnstorableText(thrown)) return new BtyError('INVALID_REQUEST', 'a text has a NUL or half a character in it');
  const carried =
    thrown instanceof HttpException ? thrown.getStatus() : (thrown as { status?: unknown } | null)?.status;
  const message = thrown instanceof Error ? thrown.message : 'the request cannot be taken';
  if (carried === 404) return new BtyError('NOT_FOUND', message);
  if (carried === 413) return new BtyError('TOO_LARGE', message);
  if (typeof carried === 'number' && carried >= 400 && carried < 500) return new BtyError('INVALID_REQUEST', message);
  return toBtyError(thrown);
}

/** What no route has taken, which only Nest's router throws this for: the path has other methods, or there is none. */
function unrouted(request: Request): BtyError {
  const allow = allowedMethods(request);
  if (allow.length === 0) return new BtyError('NOT_FOUND', `there is no ${request.path}`);
  const problem = `${request.path} does not take ${request.method}`;
  return new BtyError('METHOD_NOT_ALLOWED', problem, { details: { allow } });
}

function sendProblem(response: Response, error: BtyError): void {
  const status = HTTP_STATUS[error.code];
  // The message of an unexpected error may tell paths or SQL: that is for the log only.
  const problem = error.code === 'INTERNAL' ? toProblem(error, 'see the log of the server') : toProblem(error);
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (Array.isArray(error.details['allow'])) response.setHeader('Allow', error.details['allow'].join(', '));
  const { retry_after_seconds: wait = status === 503 ? RETRY_AFTER_SECONDS : undefined } = error.details;
  if (wait !== undefined) response.setHeader('Retry-After', String(wait));
  response.status(status).type('application/problem+json').send(JSON.stringify(problem));
}

/** Every error leaves the server here. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger('Http');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const error = thrown instanceof NotFoundException ? unrouted(response.req) : understand(thrown);
    if (error.code === 'INTERNAL') this.log.error(error.cause ?? error);
    // Half an answer cannot be turned into an error: cut it, so that the other end does not take it for whole.
    if (response.headersSent) response.destroy();
    else sendProblem(response, error);
  }
}
