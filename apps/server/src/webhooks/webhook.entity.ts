import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Somebody who is to be told of events. */
@Entity('webhooks')
export class WebhookEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  url: string;

  /** What it is for, for people. */
  @Column('text', { default: '' })
  description: string;

  /** Which actions it hears of: `flash-job.failed`, or `flash-job.*`. Empty is all. */
  @Column('text', { array: true, default: '{}' })
  actions: string[];

  @Column('boolean', { default: true })
  enabled: boolean;

  /** Key of the signatures, base64. It has to be known here, so it is not hashed; the API shows it once. */
  @Column('text')
  secret: string;

  /** It is told what has happened since: since it was made, or enabled last. */
  @Column('timestamptz')
  hearsSince: Date;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}
