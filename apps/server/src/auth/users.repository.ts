import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, MoreThan } from 'typeorm';
import { isUniqueViolation } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor, Role } from '../http/index.js';
import { RecentHolders } from './recent-holders.service.js';
import { UserEntity } from './user.entity.js';
import { UserSessionEntity } from './user-session.entity.js';

/** What an admin sets of a user. */
export interface UserFields {
  readonly role: Role;
  readonly enabled: boolean;
  readonly passwordHash: string;
}

function noSuchUser(username: string): BtyError {
  return new BtyError('NOT_FOUND', `there is no user ${username}`);
}

function facts({ role, enabled }: Pick<UserFields, 'role' | 'enabled'>): Record<string, unknown> {
  return { role, enabled };
}

/** Which state of a user's fields that is, for ETags. */
export function userRevision(user: UserEntity): string {
  return `${user.createdAt.getTime().toString(36)}.${user.revision}`;
}

/** The people who log in. */
@Injectable()
export class UsersRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
    private readonly recent: RecentHolders,
  ) {}

  async find(username: string): Promise<UserEntity | undefined> {
    return (await this.source.getRepository(UserEntity).findOneBy({ username })) ?? undefined;
  }

  /** Throws NOT_FOUND. */
  async get(username: string): Promise<UserEntity> {
    const found = await this.find(username);
    if (found === undefined) throw noSuchUser(username);
    return found;
  }

  /** Sorted by name, after a name. */
  async page(after: string | undefined, limit: number): Promise<UserEntity[]> {
    const where = after === undefined ? {} : { username: MoreThan(after) };
    return this.source.getRepository(UserEntity).find({ where, order: { username: 'ASC' }, take: limit });
  }

  /** Throws CONFLICT when the name is taken. */
  async add(username: string, fields: UserFields, actor: Actor): Promise<UserEntity> {
    try {
      return await this.source.transaction(async (manager) => {
        await manager.insert(UserEntity, { username, ...fields });
        const change = { subject: `user/${username}`, action: 'user.created', actor, after: facts(fields) };
        await this.events.append(manager, change);
        return manager.findOneByOrFail(UserEntity, { username });
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new BtyError('CONFLICT', `there is a user ${username} already`, { cause: error });
    }
  }

  /**
   * Changes a user, and ends the sessions that the user has opened but `keptSession`. `check` may refuse, looking at the
   * user as it is. Throws NOT_FOUND.
   */
  async change(
    username: string,
    fields: Partial<UserFields>,
    actor: Actor,
    options: { keptSession?: string | undefined; check?: (user: UserEntity) => void } = {},
  ): Promise<UserEntity> {
    const changed = await this.source.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const old = await manager.findOne(UserEntity, { where: { username }, lock });
      if (old === null) throw noSuchUser(username);
      options.check?.(old);
      if (Object.keys(fields).length === 0) return old;
      await manager.update(UserEntity, { username }, fields);
      const sessions = manager.createQueryBuilder().delete().from(UserSessionEntity).where('user_id = :id', old);
      if (options.keptSession !== undefined) sessions.andWhere('id <> :kept', { kept: options.keptSession });
      await sessions.execute();
      const password = fields.passwordHash === undefined ? {} : { password: 'changed' };
      const after = { ...facts({ ...old, ...fields }), ...password };
      const change = { subject: `user/${username}`, action: 'user.changed', actor, before: facts(old), after };
      await this.events.append(manager, change);
      return manager.findOneByOrFail(UserEntity, { username });
    });
    this.recent.lookAgain();
    return changed;
  }

  /** Removes a user with all sessions; `check` may refuse, looking at the user as it is. Throws NOT_FOUND. */
  async remove(username: string, actor: Actor, check: (user: UserEntity) => void): Promise<void> {
    await this.source.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const old = await manager.findOne(UserEntity, { where: { username }, lock });
      if (old === null) throw noSuchUser(username);
      check(old);
      await manager.delete(UserEntity, { username });
      const change = { subject: `user/${username}`, action: 'user.removed', actor, before: facts(old) };
      await this.events.append(manager, change);
    });
    this.recent.lookAgain();
  }
}
