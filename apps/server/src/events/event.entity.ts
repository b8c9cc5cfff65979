import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** One change of state: what, who, from where, before and after. Rows are only ever added. */
@Entity('events')
@Index(['subject', 'id'])
export class EventEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  @CreateDateColumn({ type: 'timestamptz' })
  at: Date;

  /** `machine/<mac>`, `image/<name>`, `flash-job/<id>`, `token/<name>`, `user/<name>`, `key/<name>`. */
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
