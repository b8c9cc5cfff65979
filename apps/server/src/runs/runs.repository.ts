import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import { RunEntity } from './run.entity.js';
import { ACTIVE_RUN_STATES } from './run-state.js';

/** Which runs to list. */
export interface RunFilter {
  /** Tag of the machines whose runs the caller may see; undefined: all. */
  readonly pool?: string | undefined;
  readonly mac?: string | undefined;
  readonly state?: string | undefined;
  readonly kind?: string | undefined;
  readonly flashJobId?: string | undefined;
  /** Only runs older than the one with this id. */
  readonly after?: string | undefined;
}

/** What is known of runs. */
@Injectable()
export class RunsRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  async find(id: string): Promise<RunEntity | undefined> {
    return (await this.runs().findOneBy({ id })) ?? undefined;
  }

  async activeOf(mac: string): Promise<RunEntity | undefined> {
    return (await this.runs().findOneBy({ mac, state: In(ACTIVE_RUN_STATES) })) ?? undefined;
  }

  /** An active run of a workflow, or of one version of it. */
  async activeWith(workflowName: string, workflowDigest: string | undefined): Promise<RunEntity | undefined> {
    const version = workflowDigest === undefined ? {} : { workflowDigest };
    const where = { workflowName, ...version, state: In(ACTIVE_RUN_STATES) };
    return (await this.runs().findOneBy(where)) ?? undefined;
  }

  /** Ids of the runs that wait for a worker. */
  async queued(): Promise<string[]> {
    return (await this.runs().findBy({ state: 'queued' })).map(({ id }) => id);
  }

  /** The runs that workers have. */
  async held(): Promise<RunEntity[]> {
    return this.runs().findBy({ state: In(['waiting', 'running']) });
  }

  /**
   * Ids of at most `limit` runs that are over and were so before a time, or are not among the newest `perMachine` of their
   * machine; undefined: no such limit. The newest run of a machine and that of its current baseline are not among them.
   */
  async expired(before: Date | undefined, perMachine: number | undefined, limit: number): Promise<string[]> {
    const rows = await this.source.query<{ id: string }[]>(
      `SELECT id FROM (
         SELECT *, row_number() OVER (PARTITION BY mac ORDER BY created_at DESC, id DESC) AS place FROM runs
       ) run
       WHERE place > 1 AND NOT state = ANY($1) AND (finished_at < $2 OR place > $3)
         AND NOT EXISTS (SELECT 1 FROM baselines WHERE run_id = run.id AND current)
       ORDER BY created_at LIMIT $4`,
      [ACTIVE_RUN_STATES, before ?? null, perMachine ?? null, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Newest first, at most `limit`. */
  async page(filter: RunFilter, limit: number): Promise<RunEntity[]> {
    const query = this.runs().createQueryBuilder('run');
    for (const column of ['mac', 'state', 'kind', 'flashJobId'] as const) {
      if (filter[column] !== undefined) query.andWhere(`run.${column} = :${column}`, { [column]: filter[column] });
    }
    if (filter.pool !== undefined) {
      query.andWhere('run.mac IN (SELECT mac FROM machines WHERE tags @> ARRAY[CAST(:pool AS text)])', {
        pool: filter.pool,
      });
    }
    if (filter.after !== undefined) {
      query.andWhere(
        '(run.createdAt, run.id) < (SELECT before.created_at, before.id FROM runs before WHERE before.id = :after)',
        { after: filter.after },
      );
    }
    return query.orderBy('run.createdAt', 'DESC').addOrderBy('run.id', 'DESC').limit(limit).getMany();
  }

  private runs() {
    return this.source.getRepository(RunEntity);
  }
}
