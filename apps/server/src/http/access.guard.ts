import { BtyError, parseMacAddress } from '@bty/wire-types';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { ACCESS_RULE, type AccessRule, type PoolRule } from './access.decorator.js';
import { agentOf, requiredCaller } from './caller.js';
import { type MachineThing, PoolMembers } from './pool-members.port.js';
import { mayActAs } from './role.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a request is about; undefined when it names nothing that can exist, which the handler then says. */
function subjectOf(rule: PoolRule, request: Request): { thing: MachineThing; id: string } | undefined {
  if (rule === 'flash job' || rule === 'run') {
    const { id } = request.params;
    return typeof id === 'string' && UUID.test(id) ? { thing: rule, id } : undefined;
  }
  const body = request.body as { mac?: unknown } | undefined;
  const text = rule === 'machine' ? request.params['mac'] : body?.mac;
  const mac = typeof text === 'string' ? parseMacAddress(text) : undefined;
  return mac === undefined ? undefined : { thing: 'machine', id: mac };
}

/** Lets nobody use a route whom its {@link AccessRule} does not name. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly pools: PoolMembers,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS_RULE, context.getHandler());
    if (rule === undefined) throw new BtyError('FORBIDDEN', 'this route is open to nobody');
    if (rule.role === 'anyone') return true;
    const request = context.switchToHttp().getRequest<Request>();
    if (rule.role === 'agent') return agentOf(request) !== undefined;
    const caller = requiredCaller(request);
    if (!mayActAs(caller.role, rule.role)) {
      throw new BtyError('FORBIDDEN', `this needs the role ${rule.role}; ${caller.actor.name} has ${caller.role}`, {
        details: { role: caller.role, needs_role: rule.role },
      });
    }
    if (caller.pool !== undefined) await this.refuseForeign(rule.pool, caller.pool, request);
    return true;
  }

  private async refuseForeign(rule: PoolRule | undefined, pool: string, request: Request): Promise<void> {
    if (rule === undefined) {
      throw new BtyError('FORBIDDEN', `a token that is restricted to the pool ${pool} has no business here`);
    }
    if (rule === 'handler' || rule === 'shared') return;
    const subject = subjectOf(rule, request);
    if (subject === undefined || (await this.pools.contains(pool, subject.thing, subject.id))) return;
    throw new BtyError('NOT_FOUND', `there is no ${subject.thing} ${subject.id}`);
  }
}
