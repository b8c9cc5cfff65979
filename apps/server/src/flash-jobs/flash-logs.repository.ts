import type { FlashLog } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { storable } from '../db/index.js';
import { FlashLogEntity } from './flash-log.entity.js';

/** The logs of failed attempts: at most 64 parts of 16 Ki characters each, by the protocol. */
@Injectable()
export class FlashLogsRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** Stores a part; one that is stored already stays. */
  async add(log: FlashLog): Promise<void> {
    const row = { jobId: log.job_id, epoch: log.epoch, part: log.part, text: storable(log.text) };
    await this.source.createQueryBuilder().insert().into(FlashLogEntity).values(row).orIgnore().execute();
  }

  /** The text of all attempts, each under a line that names it. */
  async textOf(jobId: string): Promise<string> {
    const order = { epoch: 'ASC', part: 'ASC' } as const;
    const parts = await this.source.getRepository(FlashLogEntity).find({ where: { jobId }, order });
    const attempts = new Map<number, string>();
    for (const { epoch, text } of parts) attempts.set(epoch, (attempts.get(epoch) ?? '') + text);
    return [...attempts].map(([epoch, text]) => `== attempt ${epoch} ==\n${text}\n`).join('');
  }
}
