import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { addressOf, type Caller, type RequestingAgent } from '../http/index.js';
import { AgentSessionsRepository } from './agent-sessions.repository.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { GuessingLimits } from './guessing-limits.service.js';
import { RecentTokens } from './recent-tokens.js';
import { credentialKind, csrfTokenOf, sameHash } from './secret.js';
import { bearerOf, sessionCookieOf } from './session-cookie.js';
import { UserSessionsRepository } from './user-sessions.repository.js';

const SAFE_METHODS = ['GET', 'HEAD'];

/** Finds out who makes a request. */
@Injectable()
export class Credentials {
  private readonly recent = new RecentTokens();

  constructor(
    private readonly tokens: ApiTokensRepository,
    private readonly sessions: UserSessionsRepository,
    private readonly limits: GuessingLimits,
    private readonly agents: AgentSessionsRepository,
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
    // Others behind the same address, whose credentials are known to be good, go on working.
    if (!this.recent.has(text, now) && (await this.limits.isGuessing(ip))) await this.limits.wrongToken(ip);
    const caller = await this.holderOf(text, ip, now);
    if (caller === undefined) {
      await this.limits.wrongToken(ip);
      throw unauthenticated();
    }
    this.recent.add(text, now);
    if (cookie !== undefined && !SAFE_METHODS.includes(request.method)) refuseOtherSites(request, cookie);
    return caller;
  }

  /** The agent whose session a request shows. Throws UNAUTHENTICATED, TOO_MANY_REQUESTS for who is guessing. */
  async identifyAgent(request: Request, now: Date): Promise<RequestingAgent> {
    const secret = bearerOf(request.headers.authorization);
    if (secret === undefined) throw unauthenticated();
    const ip = addressOf(request);
    const agent = await this.agents.holderOf(secret, now);
    if (agent !== undefined) return { ...agent, ip };
    await this.limits.wrongToken(ip);
    throw new BtyError('UNAUTHENTICATED', 'only the session of an agent is taken here');
  }

  private async holderOf(text: string, ip: string, now: Date): Promise<Caller | undefined> {
    const kind = credentialKind(text);
    if (kind === 'token') {
      const token = await this.tokens.use(text, ip, now);
      if (token === undefined) return undefined;
      const { id, name, role, pool } = token;
      return { actor: { name: `token:${name}`, ip }, role, pool: pool ?? undefined, credential: { kind, id } };
    }
    const session = kind === 'session' ? await this.sessions.find(text, now) : undefined;
    if (session === undefined) return undefined;
    const { id, userId, user } = session;
    return {
      actor: { name: `user:${user.username}`, ip },
      role: user.role,
      credential: { kind: 'session', id, userId },
    };
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
