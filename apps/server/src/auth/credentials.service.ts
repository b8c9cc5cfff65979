import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { addressOf, type Caller, type RequestingAgent } from '../http/index.js';
import { AgentSessionsRepository } from './agent-sessions.repository.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { GuessingLimits } from './guessing-limits.service.js';
import { type Holder, RecentHolders } from './recent-holders.service.js';
import { credentialKind, csrfTokenOf, hashOf, sameHash } from './secret.js';
import { bearerOf, sessionCookieOf } from './session-cookie.js';
import { UserSessionsRepository } from './user-sessions.repository.js';

const SAFE_METHODS = ['GET', 'HEAD'];

/** Finds out who makes a request. */
@Injectable()
export class Credentials {
  constructor(
    private readonly tokens: ApiTokensRepository,
    private readonly sessions: UserSessionsRepository,
    private readonly limits: GuessingLimits,
    private readonly agents: AgentSessionsRepository,
    private readonly recent: RecentHolders,
  ) {}

  /**
   * Whose valid credential a request shows: in the header `Authorization: Bearer`, else in the cookie of a login. Throws
   * UNAUTHENTICATED, FORBIDDEN for a change by cookie without its CSRF token, TOO_MANY_REQUESTS for who is guessing.
   */
  async identify(request: Request, now: Date): Promise<Caller> {
    const bearer = bearerOf(request.headers.authorization);
    const cookie = request.headers.authorization === undefined ? sessionCookieOf(request.headers.cookie) : undefined;
    const text = bearer ?? cookie;
    if (text === undefined) throw unauthenticated();
    const ip = addressOf(request);
    const { name, ...caller } = await this.holderOf(text, ip, now);
    if (cookie !== undefined && !SAFE_METHODS.includes(request.method)) refuseOtherSites(request, cookie);
    return { ...caller, actor: { name, ip } };
  }

  /** The agent whose session a request shows. Throws UNAUTHENTICATED, TOO_MANY_REQUESTS for who is guessing. */
  async identifyAgent(request: Request, now: Date): Promise<RequestingAgent> {
    const secret = bearerOf(request.headers.authorization);
    if (secret === undefined) throw unauthenticated();
    const ip = addressOf(request);
    const agent = await this.agents.holderOf(secret, now);
    if (agent !== undefined) return { ...agent, ip };
    await this.limits.wrongToken(ip);
    throw new BtyError('UNAUTHENTICATED', 'this is not the session of an agent');
  }

  private async holderOf(text: string, ip: string, now: Date): Promise<Holder['caller']> {
    const hash = hashOf(text);
    const key = hash.toString('base64');
    const fresh = this.recent.fresh(key, now);
    if (fresh !== undefined) return fresh.caller;
    // Others behind the same address, whose credentials are known to be good, go on working.
    if (!this.recent.isKnown(key, now) && (await this.limits.isGuessing(ip))) await this.limits.wrongToken(ip);
    const { moment } = this.recent;
    const found = await this.find(text, hash, ip, now);
    if (found === undefined) {
      await this.limits.wrongToken(ip);
      throw unauthenticated();
    }
    this.recent.add(key, found, moment, now);
    return found.caller;
  }

  private async find(text: string, hash: Buffer, ip: string, now: Date): Promise<Holder | undefined> {
    const kind = credentialKind(text);
    if (kind === 'token') {
      const token = await this.tokens.use(hash, ip, now);
      if (token === undefined) return undefined;
      const { id, name, role, pool, expiresAt } = token;
      const credential = { kind, id };
      return { caller: { name: `token:${name}`, role, pool: pool ?? undefined, credential }, expiresAt };
    }
    const session = kind === 'session' ? await this.sessions.find(hash, now) : undefined;
    if (session === undefined) return undefined;
    const { id, userId, user, expiresAt } = session;
    const credential = { kind: 'session', id, userId } as const;
    return { caller: { name: `user:${user.username}`, role: user.role, credential }, expiresAt };
  }
}

function unauthenticated(): BtyError {
  return new BtyError('UNAUTHENTICATED', 'give a valid token: Authorization: Bearer <token>');
}

function refuseOtherSites(request: Request, sessionToken: string): void {
  const given = Buffer.from(request.header('x-csrf-token') ?? '');
  if (sameHash(given, Buffer.from(csrfTokenOf(sessionToken)))) return;
  const problem = 'a change by cookie needs the header X-CSRF-Token, which GET /auth/me tells';
  throw new BtyError('FORBIDDEN', problem);
}
