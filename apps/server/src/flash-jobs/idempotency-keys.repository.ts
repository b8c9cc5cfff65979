import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, LessThan } from 'typeorm';
import { invalidFields } from '../http/index.js';
import { IdempotencyKeyEntity } from './idempotency-key.entity.js';
import type { OrderOutcome } from './order-outcome.js';

const LIFETIME_MS = 24 * 60 * 60_000;

/** An order with its key. */
export interface KeyedOrder {
  readonly holder: string;
  readonly key: string | undefined;
  readonly requestHash: string;
}

/** Sees to it that an order with a key is carried out once within a day, however often and from how many places it comes. */
@Injectable()
export class IdempotencyKeysRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /**
   * Carries out an order in one transaction with its key; one with the same key waits for that and gets the same outcome.
   * Throws INVALID_REQUEST when the key was used for another order, and what `make` throws: the key is free then.
   */
  async once(
    { holder, key, requestHash }: KeyedOrder,
    now: Date,
    make: (manager: EntityManager) => Promise<OrderOutcome[]>,
  ): Promise<{ outcomes: OrderOutcome[]; repeated: boolean }> {
    return this.source.transaction(async (manager) => {
      if (key === undefined) return { outcomes: await make(manager), repeated: false };
      const row = { holder, key, requestHash, outcomes: [], createdAt: now };
      const old = LessThan(new Date(now.getTime() - LIFETIME_MS));
      await manager.delete(IdempotencyKeyEntity, { holder, key, createdAt: old });
      const inserted = await manager
        .createQueryBuilder()
        .insert()
        .into(IdempotencyKeyEntity)
        .values(row)
        .orIgnore()
        .returning('key')
        .execute();
      if ((inserted.raw as unknown[]).length === 0) {
        const earlier = await manager.findOneByOrFail(IdempotencyKeyEntity, { holder, key });
        if (earlier.requestHash !== requestHash) {
          throw invalidFields([{ field: 'Idempotency-Key', problem: 'was used for another order' }]);
        }
        return { outcomes: earlier.outcomes, repeated: true };
      }
      const outcomes = await make(manager);
      await manager.update(IdempotencyKeyEntity, { holder, key }, { outcomes: outcomes as object[] });
      return { outcomes, repeated: false };
    });
  }

  /** Forgets the keys that have expired. */
  async removeExpired(now: Date): Promise<void> {
    const createdAt = LessThan(new Date(now.getTime() - LIFETIME_MS));
    await this.source.getRepository(IdempotencyKeyEntity).delete({ createdAt });
  }
}
