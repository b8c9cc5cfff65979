import { BtyError } from '@bty/wire-types';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Config } from '../config/index.js';
import { setAgent, setCaller } from '../http/index.js';
import type { Credentials } from './credentials.service.js';
import { isAgentRoute, isImageRoute, isOpenRoute } from './open-routes.js';
import { credentialKind } from './secret.js';
import { bearerOf } from './session-cookie.js';

/** Which credential a request has to show: none, that of a person or a program, or the session of an agent. */
function neededCredential(request: Request, imageRead: Config['imageRead']): 'none' | 'caller' | 'agent' {
  const { method, path } = request;
  if (isOpenRoute(method, path)) return 'none';
  if (isAgentRoute(method, path)) return 'agent';
  if (!isImageRoute(method, path)) return 'caller';
  if (imageRead === 'open') return 'none';
  const bearer = bearerOf(request.headers.authorization);
  return bearer !== undefined && credentialKind(bearer) === undefined ? 'agent' : 'caller';
}

/**
 * A middleware that runs before anything else looks at the request, its body included. With TLS, credentials are taken over
 * TLS only: the plain port is for machines.
 */
export function authenticate(
  credentials: Credentials,
  { tls, imageRead }: Pick<Config, 'tls' | 'imageRead'>,
): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction) => {
    const needed = neededCredential(request, imageRead);
    const showsSecret = needed === 'caller' || request.path === '/auth/login';
    if (tls !== undefined && showsSecret && !request.secure) {
      next(new BtyError('FORBIDDEN', `credentials are taken over TLS only: https, port ${tls.port}`));
    } else if (needed === 'none') next();
    else if (needed === 'agent')
      credentials
        .identifyAgent(request, new Date())
        .then((agent) => setAgent(request, agent))
        .then(() => next(), next);
    else
      credentials
        .identify(request, new Date())
        .then((caller) => setCaller(request, caller))
        .then(() => next(), next);
  };
}
