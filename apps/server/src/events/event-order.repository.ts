import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { EventEntity } from './event.entity.js';

/** A place in the order of the events: right after the event with this id, which this transaction wrote. */
export interface EventPlace {
  readonly tx: string;
  readonly id: string;
}

/** The place after the last of these events; undefined when there are none. */
export function placeAfter(events: readonly EventEntity[]): EventPlace | undefined {
  const last = events.at(-1);
  return last === undefined ? undefined : { tx: last.tx, id: last.id };
}

// Nothing that comes before it can appear any more: every older transaction has ended.
const SETTLED = 'event.tx < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)';

/** The events in an order in which none appears before one that was read already. */
@Injectable()
export class EventOrderRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** The place after the last event that is settled. */
  async end(manager: EntityManager = this.source.manager): Promise<EventPlace> {
    const last = await manager
      .createQueryBuilder(EventEntity, 'event')
      .where(SETTLED)
      .orderBy('event.tx', 'DESC')
      .addOrderBy('event.id', 'DESC')
      .limit(1)
      .getOne();
    return last === null ? { tx: '0', id: '0' } : { tx: last.tx, id: last.id };
  }

  /** The place after an event; undefined when there is none of this id, or none any more. */
  async placeOf(id: string): Promise<EventPlace | undefined> {
    const found = await this.source.getRepository(EventEntity).findOneBy({ id });
    return found === null ? undefined : { tx: found.tx, id };
  }

  /** The events after a place that are settled, oldest first, at most `limit`. */
  async after(place: EventPlace, limit: number, manager: EntityManager = this.source.manager): Promise<EventEntity[]> {
    return manager
      .createQueryBuilder(EventEntity, 'event')
      .where('(event.tx, event.id) > (:tx, :id)', place)
      .andWhere(SETTLED)
      .orderBy('event.tx', 'ASC')
      .addOrderBy('event.id', 'ASC')
      .limit(limit)
      .getMany();
  }

  /**
   * A database that was restored into another Postgres has events of transactions that are still to come there: they
   * become the oldest, so that new events come after them.
   */
  async repairRestored(): Promise<void> {
    await this.source.query(
      'UPDATE events SET tx = 0 WHERE tx >= CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)',
    );
  }

  /** Removes at most `limit` of the oldest events, those of before `time`. Returns how many went. */
  async removeBefore(time: Date, limit: number): Promise<number> {
    const [, removed] = await this.source.query<[unknown, number]>(
      `DELETE FROM events USING (SELECT id FROM events ORDER BY id LIMIT $2) AS oldest
       WHERE events.id = oldest.id AND events.at < $1`,
      [time, limit],
    );
    return removed;
  }
}
