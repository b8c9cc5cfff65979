import { BtyError } from '@bty/wire-types';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
<<<<<<< HEAD
import { setAgent, setCaller } from '../http/index.js';
=======
import type { TlsSettings } from '../config/index.js';
import { setCaller } from '../http/index.js';
>>>>>>> a471945 (Listen for TLS, and take credentials over nothing else then)
import type { Credentials } from './credentials.service.js';
import { isAgentRoute, isOpenRoute } from './open-routes.js';

/**
 * A middleware that runs before anything else looks at the request, its body included. With TLS, credentials are taken over
 * TLS only: the plain port is for machines.
 */
export function authenticate(credentials: Credentials, tls: TlsSettings | undefined): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction) => {
<<<<<<< HEAD
    const { method, path } = request;
    if (isOpenRoute(method, path)) next();
    else if (isAgentRoute(method, path))
      credentials
        .identifyAgent(request, new Date())
        .then((agent) => setAgent(request, agent))
        .then(() => next(), next);
=======
    const secret = request.path === '/auth/login' || !isOpenRoute(request.method, request.path);
    if (tls !== undefined && secret && !request.secure) {
      next(new BtyError('FORBIDDEN', `credentials are taken over TLS only: https, port ${tls.port}`));
    } else if (isOpenRoute(request.method, request.path)) next();
>>>>>>> a471945 (Listen for TLS, and take credentials over nothing else then)
    else
      credentials
        .identify(request, new Date())
        .then((caller) => setCaller(request, caller))
        .then(() => next(), next);
  };
}
