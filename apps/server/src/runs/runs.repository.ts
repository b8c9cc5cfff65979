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

  /** Newest first, at most `limit`. */
  async page(filter: RunFilter, limit: number): Promise<RunEntity[]> {
    const query = this.runs().createQueryBuilder('run');
    for (const column of ['mac', 'state', 'kind', 'flashJobId'] as const) {
      if (filter[column] !== undefined) query.andWhere(`run.${column} = :${column}`, { [column]: filter[column] });
    }
    if (filter.pool !== undefined) {
      query.andWhere('run.mac IN (SELECT mac FROM machines WHERE :pool = ANY(tags))', { pool: filter.pool });
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
