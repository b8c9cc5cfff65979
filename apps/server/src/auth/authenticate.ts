import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { setCaller } from '../http/index.js';
import type { Credentials } from './credentials.service.js';
import { isOpenRoute } from './open-routes.js';

/** A middleware that runs before anything else looks at the request, its body included. */
export function authenticate(credentials: Credentials): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction) => {
    if (isOpenRoute(request.method, request.path)) next();
    else
      credentials
        .identify(request, new Date())
        .then((caller) => setCaller(request, caller))
        .then(() => next(), next);
  };
}
