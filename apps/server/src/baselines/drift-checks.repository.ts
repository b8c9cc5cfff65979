import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, In } from 'typeorm';
import { storable } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { DriftCheckEntity } from './drift-check.entity.js';

/** How many differences an event tells: the check itself has all of them. */
const MAX_TOLD = 50;

/** What drift checks have found. */
@Injectable()
export class DriftChecksRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  async last(mac: string): Promise<DriftCheckEntity | undefined> {
    return (await this.source.getRepository(DriftCheckEntity).findOneBy({ mac })) ?? undefined;
  }

  async lastOf(macs: readonly string[]): Promise<ReadonlyMap<string, DriftCheckEntity>> {
    if (macs.length === 0) return new Map();
    const rows = await this.source.getRepository(DriftCheckEntity).findBy({ mac: In([...macs]) });
    return new Map(rows.map((row) => [row.mac, row]));
  }

  /** Stores a check; an event tells when the machine has drifted, or is good again, since the last one. */
  async store(check: Omit<DriftCheckEntity, 'machine'>, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const { mac } = check;
      await manager.query('SELECT 1 FROM machines WHERE mac = $1 FOR NO KEY UPDATE', [mac]);
      const last = await manager.findOneBy(DriftCheckEntity, { mac });
      await manager.upsert(DriftCheckEntity, { ...check, differences: storable(check.differences) }, ['mac']);
      const [was, is] = [(last?.differences.length ?? 0) > 0, check.differences.length > 0];
      if (was === is) return;
      const told = check.differences.slice(0, MAX_TOLD).map(({ section, name }) => `${section}: ${name}`);
      const after = { baseline: check.baseline, count: check.differences.length, differences: told };
      const before = last === null ? undefined : { baseline: last.baseline, count: last.differences.length };
      const action = is ? 'machine.drifted' : 'machine.recovered';
      await this.events.append(manager, { subject: `machine/${mac}`, action, actor, before, after });
    });
  }

  /** What goes on on a machine, so that a look at it would tell nothing: a flash job or a run. */
  async busyWith(mac: string): Promise<{ flashJobId: string | null; runId: string | null }> {
    const [found] = await this.source.query<{ flash_job_id: string | null; run_id: string | null }[]>(
      `SELECT (SELECT id FROM flash_jobs WHERE mac = $1 AND state IN ('queued', 'dispatched', 'running')) AS flash_job_id,
              (SELECT id FROM runs WHERE mac = $1 AND state IN ('queued', 'waiting', 'running')) AS run_id`,
      [mac],
    );
    return { flashJobId: found?.flash_job_id ?? null, runId: found?.run_id ?? null };
  }

  /**
   * Machines whose baseline was last checked, or recorded, before `since`, and on which nothing is going on; at most
   * `limit`, the longest unchecked first.
   */
  async due(since: Date, limit: number): Promise<string[]> {
    const rows = await this.source.query<{ mac: string }[]>(
      `SELECT baseline.mac FROM baselines baseline
         LEFT JOIN drift_checks last ON last.mac = baseline.mac
        WHERE baseline.current AND greatest(baseline.recorded_at, last.checked_at) < $1
          AND NOT EXISTS (SELECT 1 FROM flash_jobs job
                           WHERE job.mac = baseline.mac AND job.state IN ('queued', 'dispatched', 'running'))
          AND NOT EXISTS (SELECT 1 FROM runs run
                           WHERE run.mac = baseline.mac AND run.state IN ('queued', 'waiting', 'running'))
        ORDER BY greatest(baseline.recorded_at, last.checked_at) LIMIT $2`,
      [since, limit],
    );
    return rows.map(({ mac }) => mac);
  }
}
