import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { storable } from '../db/index.js';
import type { Actor } from '../http/index.js';
import { EventEntity } from './event.entity.js';

/** A change of state, to be written in the transaction that makes it. */
export interface Change {
  readonly subject: string;
  /** Noun and past participle, for instance `machine.discovered`. */
  readonly action: string;
  readonly actor: Actor;
  readonly before?: Record<string, unknown> | undefined;
  readonly after?: Record<string, unknown> | undefined;
}

/** The append-only record of who changed what. */
@Injectable()
export class EventsRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** Adds an event within the transaction of `manager`. */
  async append(manager: EntityManager, change: Change): Promise<void> {
    const { subject, action, actor, before = null, after = null } = change;
    const json = (value: unknown) => (value === null ? null : JSON.stringify(storable(value)));
    await manager.query(
      `INSERT INTO events (subject, action, actor, ip, before, after, tx)
       VALUES ($1, $2, $3, $4, $5, $6, CAST(CAST(pg_current_xact_id() AS text) AS bigint))`,
      [subject, action, actor.name, actor.ip ?? null, json(before), json(after)],
    );
  }

  /** Adds an event that belongs to no other change, for instance a refused credential. */
  async note(change: Change): Promise<void> {
    await this.append(this.source.manager, change);
  }

  /** Newest first, at most `limit`, older than the event `before`, of one subject when it is given. */
  async page(
    filter: { subject?: string | undefined; before?: string | undefined },
    limit: number,
  ): Promise<EventEntity[]> {
    const query = this.source.getRepository(EventEntity).createQueryBuilder('event').orderBy('event.id', 'DESC');
    if (filter.subject !== undefined) query.andWhere('event.subject = :subject', { subject: filter.subject });
    if (filter.before !== undefined) query.andWhere('event.id < :before', { before: filter.before });
    return query.limit(limit).getMany();
  }
}
