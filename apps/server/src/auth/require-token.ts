import { BtyError } from '@bty/wire-types';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { remoteAddress, setActor } from '../http/index.js';
import type { ApiTokensRepository } from './api-tokens.repository.js';
import { isOpenRoute } from './open-routes.js';

/** A middleware that runs before anything else looks at the request, its body included. */
export function requireToken(tokens: ApiTokensRepository): RequestHandler {
  const authenticate = async (request: Request): Promise<void> => {
    const [, token] = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(request.headers.authorization ?? '') ?? [];
    const holder = token === undefined ? undefined : await tokens.holderOf(token);
    if (holder !== undefined) setActor(request, { name: `token:${holder}`, ip: remoteAddress(request.socket) });
    else throw new BtyError('UNAUTHENTICATED', 'give a valid token: Authorization: Bearer <token>');
  };
  return (request: Request, _response: Response, next: NextFunction) => {
    if (isOpenRoute(request.method, request.path)) next();
    else authenticate(request).then(() => next(), next);
  };
}
