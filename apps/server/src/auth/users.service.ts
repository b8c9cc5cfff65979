import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import type { Caller, RevisionCheck } from '../http/index.js';
import { Passwords } from './passwords.service.js';
import type { UserPatch, UserPost } from './user.dto.js';
import type { UserEntity } from './user.entity.js';
import { UsersRepository, userRevision } from './users.repository.js';

/** What admins do with users. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
  ) {}

  /** Throws CONFLICT when the name is taken. */
  async add({ username, password, role }: UserPost, caller: Caller): Promise<UserEntity> {
    const passwordHash = await this.passwords.hash(password);
    return this.users.add(username, { role, enabled: true, passwordHash }, caller.actor);
  }

  /** Ends the user's sessions, too. Throws NOT_FOUND, and CONFLICT for who would lock themselves out. */
  async change(username: string, patch: UserPatch, caller: Caller, fresh: RevisionCheck): Promise<UserEntity> {
    const { role, enabled, password } = patch;
    const passwordHash = password === undefined ? undefined : await this.passwords.hash(password);
    const fields = { role, enabled, passwordHash };
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    const check = (user: UserEntity) => {
      fresh(userRevision(user));
      if ((role ?? 'admin') !== 'admin' || enabled === false) refuseOneself(user, caller);
    };
    return this.users.change(username, given, caller.actor, { check, keptSession: caller.credential.id });
  }

  /** Throws NOT_FOUND, and CONFLICT for oneself. */
  async remove(username: string, caller: Caller, fresh: RevisionCheck): Promise<void> {
    await this.users.remove(username, caller.actor, (user) => {
      fresh(userRevision(user));
      refuseOneself(user, caller);
    });
  }
}

function refuseOneself(user: UserEntity, caller: Caller): void {
  if (user.id !== caller.credential.userId) return;
  throw new BtyError('CONFLICT', 'nobody takes their own rights: another admin can');
}
