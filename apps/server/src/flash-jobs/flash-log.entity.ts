import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A part of the log that an agent sent about a failed attempt. */
@Entity('flash_logs')
export class FlashLogEntity {
  @PrimaryColumn('uuid')
  jobId: string;

  @PrimaryColumn('int')
  epoch: number;

  @PrimaryColumn('int')
  part: number;

  @Column('text')
  text: string;
}
