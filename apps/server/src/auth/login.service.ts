import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { EventsRepository } from '../events/index.js';
import type { Caller } from '../http/index.js';
import { GuessingLimits } from './guessing-limits.service.js';
import { Passwords } from './passwords.service.js';
import { newSessionToken } from './secret.js';
import type { UserEntity } from './user.entity.js';
import { UserSessionsRepository } from './user-sessions.repository.js';
import { UsersRepository } from './users.repository.js';

const SESSION_MS = 12 * 3_600_000;

/** What a login gives; `token` is known only here and to whoever logged in. */
export interface Login {
  readonly user: UserEntity;
  readonly token: string;
  readonly expiresAt: Date;
}

/** Lets people in by their passwords. */
@Injectable()
export class LoginService {
  constructor(
    private readonly users: UsersRepository,
    private readonly sessions: UserSessionsRepository,
    private readonly passwords: Passwords,
    private readonly limits: GuessingLimits,
    private readonly events: EventsRepository,
  ) {}

  /** Opens a session. Throws UNAUTHENTICATED, without telling what is wrong, and TOO_MANY_REQUESTS. */
  async logIn(username: string, password: string, ip: string, now: Date): Promise<Login> {
    await this.limits.beforeLogin(username, ip);
    const user = await this.users.find(username);
    const right = await this.passwords.matches(password, user?.passwordHash);
    const actor = { name: `user:${username}`, ip };
    const token = newSessionToken();
    const expiresAt = new Date(now.getTime() + SESSION_MS);
    if (!right || user === undefined || !(await this.sessions.open(user, token, expiresAt, actor, now))) {
      // A name that is none may be a password in the wrong field.
      const known = user === undefined ? '(unknown)' : username;
      const refused = { subject: `user/${known}`, action: 'user.login-refused', actor: { name: `user:${known}`, ip } };
      await this.events.note(refused);
      throw new BtyError('UNAUTHENTICATED', 'the user name or the password is wrong');
    }
    await this.limits.afterLogin(username, ip);
    return { user, token, expiresAt };
  }

  /** Ends the caller's session. Throws CONFLICT for an API token, which is revoked instead. */
  async logOut(caller: Caller): Promise<void> {
    if (caller.credential.kind !== 'session') throw notLoggedIn();
    await this.sessions.close(caller.credential.id, caller.actor);
  }

  /**
   * Gives the caller another password, and ends the caller's other sessions. Throws FORBIDDEN when the present one is
   * wrong, TOO_MANY_REQUESTS, CONFLICT for an API token.
   */
  async changePassword(caller: Caller, present: string, next: string): Promise<void> {
    const { actor, credential } = caller;
    if (credential.kind !== 'session') throw notLoggedIn();
    const username = actor.name.replace(/^user:/, '');
    await this.limits.beforeLogin(username, actor.ip ?? '');
    const user = await this.users.get(username);
    if (!(await this.passwords.matches(present, user.passwordHash))) {
      throw new BtyError('FORBIDDEN', 'the present password is wrong');
    }
    await this.limits.afterLogin(username, actor.ip ?? '');
    const passwordHash = await this.passwords.hash(next);
    await this.users.change(username, { passwordHash }, actor, { keptSession: credential.id });
  }
}

function notLoggedIn(): BtyError {
  return new BtyError('CONFLICT', 'an API token has no session and no password: revoke it in place of this');
}
