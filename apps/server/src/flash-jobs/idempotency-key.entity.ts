import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { OrderOutcome } from './order-outcome.js';

/** An order that came with an Idempotency-Key, and what came of it: the same order again gets the same. */
@Entity('idempotency_keys')
export class IdempotencyKeyEntity {
  /** Whose key it is, for instance `token:ci`. */
  @PrimaryColumn('text')
  holder: string;

  @PrimaryColumn('text')
  key: string;

  /** SHA-256 of the order, hex. */
  @Column('text')
  requestHash: string;

  @Column('jsonb')
  outcomes: OrderOutcome[];

  @Index('idempotency_keys_by_age')
  @Column('timestamptz')
  createdAt: Date;
}
