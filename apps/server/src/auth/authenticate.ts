import { BtyError } from '@bty/wire-types';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { TlsSettings } from '../config/index.js';
import { setAgent, setCaller } from '../http/index.js';
import type { Credentials } from './credentials.service.js';
import { isAgentRoute, isOpenRoute } from './open-routes.js';

/**
 * A middleware that runs before anything else looks at the request, its body included. With TLS, credentials are taken over
 * TLS only: the plain port is for machines.
 */
export function authenticate(credentials: Credentials, tls: TlsSettings | undefined): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction) => {
    const { method, path } = request;
    const [open, ofAgents] = [isOpenRoute(method, path), isAgentRoute(method, path)];
    const showsSecret = path === '/auth/login' || !(open || ofAgents);
    if (tls !== undefined && showsSecret && !request.secure) {
      next(new BtyError('FORBIDDEN', `credentials are taken over TLS only: https, port ${tls.port}`));
    } else if (open) next();
    else if (ofAgents)
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
