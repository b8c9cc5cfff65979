import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** One change of state: what, who, from where, before and after. Rows are only ever added. */
@Entity('events')
@Index(['subject', 'id'])
@Index('events_in_order', ['tx', 'id'])
export class EventEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  /**
   * Number of the transaction that has written it. An id is given before its transaction ends, so that a lower one may
   * become visible after a higher one: whoever follows the events goes by `tx`, then `id`.
   */
  @Column('bigint', { default: 0 })
  tx: string;

  @CreateDateColumn({ type: 'timestamptz' })
  at: Date;

  /** The kind of record, and its name or id: `machine/<mac>`, `flash-job/<id>`. */
  @Column('text')
  subject: string;

  @Column('text')
  action: string;

  @Column('text')
  actor: string;

  @Column('text', { nullable: true })
  ip: string | null;

  @Column('jsonb', { nullable: true })
  before: Record<string, unknown> | null;

  @Column('jsonb', { nullable: true })
  after: Record<string, unknown> | null;
}
