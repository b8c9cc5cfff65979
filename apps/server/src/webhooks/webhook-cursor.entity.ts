import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How far the events have been turned into deliveries; one row, which whoever does it locks. */
@Entity('webhook_cursor')
export class WebhookCursorEntity {
  @PrimaryColumn('int')
  id: number;

  @Column('bigint')
  tx: string;

  @Column('bigint')
  eventId: string;
}
