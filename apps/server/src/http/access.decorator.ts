import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiExtension } from '@nestjs/swagger';
import { ApiProblems } from './api-problems.decorator.js';
import type { MachineThing } from './pool-members.port.js';
import type { Role } from './role.js';

/**
 * What a token that is restricted to a pool may do with a route:
 * - `machine`, `flash job`, `run`: what `:mac` or `:id` of the path names must belong to the pool, else 404
 * - `body`: `mac` of the content must
 * - `handler`: the handler itself leaves out what `poolOf(request)` does not have
 * - `shared`: the route shows nothing of machines
 *
 * A route that says none of these is closed to such tokens.
 */
export type PoolRule = MachineThing | 'body' | 'handler' | 'shared';

/** Who may use a route. */
export interface AccessRule {
  readonly role: Role | 'anyone' | 'agent';
  readonly pool?: PoolRule | undefined;
}

export const ACCESS_RULE = 'bty:access-rule';

/**
 * Says who may use a route, and documents it. A route without this is closed to all. `anyone` has to be in the table of
 * open routes as well, and `agent`, whose credential is the session of its socket, in that of agents.
 */
export function Access(role: Role | 'anyone' | 'agent', pool?: PoolRule): MethodDecorator {
  const rule = SetMetadata(ACCESS_RULE, { role, pool } satisfies AccessRule);
  if (role === 'anyone') return rule as MethodDecorator;
  if (role === 'agent') {
    return applyDecorators(rule, ApiBearerAuth(), ApiExtension('x-bty-role', role), ApiProblems(401, 429));
  }
  const documented = [ApiBearerAuth(), ApiCookieAuth(), ApiExtension('x-bty-role', role), ApiProblems(401, 403, 429)];
  return applyDecorators(rule, ...documented);
}
