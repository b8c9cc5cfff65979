import { Entity, PrimaryColumn } from 'typeorm';

/** An acknowledged report that was taken: the same one again is no news. */
@Entity('flash_reports')
export class FlashReportEntity {
  @PrimaryColumn('uuid')
  jobId: string;

  @PrimaryColumn('int')
  epoch: number;

  @PrimaryColumn('bigint')
  seq: string;
}
