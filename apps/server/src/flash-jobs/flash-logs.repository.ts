import type { FlashLog } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { storable } from '../db/index.js';
import { FlashLogEntity } from './flash-log.entity.js';

/** Which part of a job's log. */
export type LogPlace = Pick<FlashLogEntity, 'epoch' | 'part'>;

/** What workflows print, and the logs of failed attempts: parts of at most 16 Ki characters each, by the protocol. */
@Injectable()
export class FlashLogsRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** Stores a part; one that is stored already stays. */
  async add(log: FlashLog): Promise<void> {
    const row = { jobId: log.job_id, epoch: log.epoch, part: log.part, text: storable(log.text) };
    await this.source.createQueryBuilder().insert().into(FlashLogEntity).values(row).orIgnore().execute();
  }

  /** The parts of a job after the one that is named, in order. */
  async after(jobId: string, last: LogPlace): Promise<FlashLogEntity[]> {
    return this.source
      .getRepository(FlashLogEntity)
      .createQueryBuilder('log')
      .where('log.jobId = :jobId AND (log.epoch, log.part) > (:epoch, :part)', { jobId, ...last })
      .orderBy('log.epoch')
      .addOrderBy('log.part')
      .getMany();
  }
}
