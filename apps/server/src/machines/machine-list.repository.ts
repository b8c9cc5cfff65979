import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { orderByKeyset, plainRows } from '../db/index.js';
import type { PageStart, Sort } from '../http/index.js';
import { MachineEntity } from './machine.entity.js';
import { MACHINE_SORT_COLUMNS, type MachineSortField } from './machine-sort.js';

/** Which machines to list. */
export interface MachineFilter {
  /** Tag of the machines that the caller may see; undefined: all. */
  readonly pool?: string | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  readonly bootPolicy?: string | undefined;
  readonly provisioningMode?: string | undefined;
  readonly image?: string | undefined;
  readonly state?: string | undefined;
}

/** In which order, and where a page begins. */
export interface MachineOrder extends Sort<MachineSortField> {
  readonly start?: PageStart | undefined;
}

// The same as `state` of a record: an active job is not finished, and there is at most one.
const STATE = `COALESCE((SELECT job.state FROM flash_jobs job WHERE job.mac = machine.mac
  ORDER BY job.finished_at DESC NULLS FIRST LIMIT 1), 'idle')`;

/** Lists of machine records. */
@Injectable()
export class MachineListRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /** At most `limit`. */
  async page(filter: MachineFilter, order: MachineOrder, limit: number): Promise<MachineEntity[]> {
    const query = this.source.getRepository(MachineEntity).createQueryBuilder('machine');
    for (const column of ['bootPolicy', 'provisioningMode', 'image'] as const) {
      if (filter[column] !== undefined) query.andWhere(`machine.${column} = :${column}`, { [column]: filter[column] });
    }
    const tags = [...(filter.tags ?? []), ...(filter.pool === undefined ? [] : [filter.pool])];
    if (tags.length > 0) query.andWhere('machine.tags @> :tags::text[]', { tags });
    if (filter.state !== undefined) query.andWhere(`${STATE} = :state`, { state: filter.state });
    orderByKeyset(query, { ...order, column: MACHINE_SORT_COLUMNS[order.field], key: 'machine.mac' });
    return plainRows(query.limit(limit));
  }
}
