import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { MachineThing, PoolMembers } from '../http/index.js';

const MAC_OF: Readonly<Record<MachineThing, string>> = {
  machine: '$1',
  'flash job': '(SELECT mac FROM flash_jobs WHERE id = $1::uuid)',
  run: '(SELECT mac FROM runs WHERE id = $1::uuid)',
};

/** Which machines are in a pool: those whose record has its tag now. */
@Injectable()
export class PoolMembersRepository implements PoolMembers {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  async contains(pool: string, thing: MachineThing, id: string): Promise<boolean> {
    const sql = `SELECT 1 FROM machines WHERE mac = ${MAC_OF[thing]} AND $2 = ANY(tags)`;
    return (await this.source.query<unknown[]>(sql, [id, pool])).length > 0;
  }
}
