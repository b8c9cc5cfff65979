import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, LessThan, MoreThan } from 'typeorm';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { RecentHolders } from './recent-holders.service.js';
import { hashOf, sameHash } from './secret.js';
import { UserEntity } from './user.entity.js';
import { UserSessionEntity } from './user-session.entity.js';

function facts({ openedAt, expiresAt }: Pick<UserSessionEntity, 'openedAt' | 'expiresAt'>): Record<string, unknown> {
  return { session: { opened_at: openedAt.toISOString(), expires_at: expiresAt.toISOString() } };
}

/** What logins gave. */
@Injectable()
export class UserSessionsRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
    private readonly recent: RecentHolders,
  ) {}

  /** The session of this hash with its user, or undefined when it is not valid now. */
  async find(hash: Buffer, now: Date): Promise<UserSessionEntity | undefined> {
    const where = { hash, expiresAt: MoreThan(now), user: { enabled: true } };
    const found = await this.source.getRepository(UserSessionEntity).findOne({ where, relations: { user: true } });
    return found !== null && sameHash(found.hash, hash) ? found : undefined;
  }

  /** Those of these ids whose sessions are valid now. */
  async validAmong(ids: readonly string[], now: Date): Promise<Set<string>> {
    const rows = await this.source.query<{ id: string }[]>(
      `SELECT session.id FROM user_sessions session JOIN users ON users.id = session.user_id
       WHERE session.id = ANY($1) AND session.expires_at > $2 AND users.enabled`,
      [ids, now],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /**
   * Opens a session for the user, and forgets those that have expired. False when the user was removed, disabled, or given
   * another password since `user` was read.
   */
  async open(user: UserEntity, token: string, expiresAt: Date, actor: Actor, now: Date): Promise<boolean> {
    return this.source.transaction(async (manager) => {
      const { id, passwordHash } = user;
      const lock = { mode: 'pessimistic_write' } as const;
      const unchanged = await manager.findOne(UserEntity, { where: { id, passwordHash, enabled: true }, lock });
      if (unchanged === null) return false;
      await manager.delete(UserSessionEntity, { expiresAt: LessThan(now) });
      const row = { id: randomUUID(), userId: user.id, hash: hashOf(token), openedAt: now, expiresAt };
      await manager.insert(UserSessionEntity, row);
      await manager.query('UPDATE users SET last_login_at = $2 WHERE id = $1', [user.id, now]);
      const change = { subject: `user/${user.username}`, action: 'user.logged-in', actor, after: facts(row) };
      await this.events.append(manager, change);
      return true;
    });
  }

  /** Ends a session. */
  async close(id: string, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const open = await manager.findOneBy(UserSessionEntity, { id });
      const { affected } = await manager.delete(UserSessionEntity, { id });
      if (open === null || affected !== 1) return;
      const change = { subject: actor.name.replace(':', '/'), action: 'user.logged-out', actor, before: facts(open) };
      await this.events.append(manager, change);
    });
    this.recent.lookAgain();
  }
}
