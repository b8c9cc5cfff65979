import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One event for one webhook. */
@Entity('webhook_deliveries')
@Index('webhook_deliveries_once', ['webhookId', 'eventId'], { unique: true })
@Index('webhook_deliveries_pending', ['nextAt'], { where: `state = 'pending'` })
@Index('webhook_deliveries_by_age', ['createdAt'])
export class WebhookDeliveryEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid')
  webhookId: string;

  @Column('bigint')
  eventId: string;

  /** What is sent, the same at every attempt. */
  @Column('jsonb')
  body: Record<string, unknown>;

  @Column('text')
  state: DeliveryState;

  @Column('int')
  attempts: number;

  @Column('timestamptz')
  nextAt: Date;

  /** Status of the last answer; null when there was none. */
  @Column('int', { nullable: true })
  lastStatus: number | null;

  @Column('text', { nullable: true })
  lastError: string | null;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz', { nullable: true })
  endedAt: Date | null;
}
