import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { setAgent, setCaller } from '../http/index.js';
import type { Credentials } from './credentials.service.js';
import { isAgentRoute, isOpenRoute } from './open-routes.js';

/** A middleware that runs before anything else looks at the request, its body included. */
export function authenticate(credentials: Credentials): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction) => {
    const { method, path } = request;
    if (isOpenRoute(method, path)) next();
    else if (isAgentRoute(method, path))
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
