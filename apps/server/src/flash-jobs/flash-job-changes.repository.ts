import { BtyError, type ErrorCode } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, In, IsNull, Not, QueryFailedError } from 'typeorm';
import { EventsRepository } from '../events/index.js';
import type { Actor, RequestingAgent } from '../http/index.js';
import type { ReportFile } from '../reports/index.js';
import { FlashJobEntity, type JobProgress } from './flash-job.entity.js';
import { FlashJobObserver } from './flash-job-observer.port.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { FlashLogEntity } from './flash-log.entity.js';
import { FlashReportEntity } from './flash-report.entity.js';
import { applyChange, type JobChange } from './job-change.js';
import { isActive } from './job-state.js';
import { predictDuration } from './predicted-duration.js';

const MAX_TRIES = 5;

/** Rolls the transaction back when somebody else was faster. */
class ConflictSignal extends Error {}

/** The transaction of a change, for whatever belongs into it. */
export type ChangeTransaction = EntityManager;

/** Names an acknowledged report. */
export interface ReportKey {
  readonly epoch: number;
  readonly seq: number;
}

/** How far an attempt is. `movedAt`: when it got further last. */
interface ToldProgress {
  readonly jobId: string;
  readonly sessionId: string;
  readonly epoch: number;
  readonly progress: JobProgress;
  readonly movedAt: Date;
}

/** What goes into the same transaction as a change. */
export interface ChangeOptions {
  /** The report that brings the change; when it was taken before, nothing changes. */
  readonly report?: ReportKey | undefined;
  readonly also?: ((manager: EntityManager, job: FlashJobEntity) => Promise<void>) | undefined;
  /** Decides in the transaction whether the change may be made at this moment. */
  readonly guard?: ((manager: EntityManager, job: FlashJobEntity) => Promise<boolean>) | undefined;
}

function jobActive(holder: FlashJobEntity | undefined, mac: string): BtyError {
  const same = holder === undefined || holder.mac === mac ? '' : `, which is the same machine as ${mac},`;
  const details = { job_id: holder?.id, mac: holder?.mac };
  return new BtyError('JOB_ACTIVE', `flash job ${holder?.id} of ${holder?.mac ?? mac}${same} is active`, { details });
}

/** Which state of a job that is, for ETags: how far it is does not count. */
export function jobRevision({ version }: FlashJobEntity): string {
  return String(version);
}

function violated(error: unknown, constraint: RegExp): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const driver = error.driverError as { code?: string; constraint?: string };
  return driver.code === '23505' && constraint.test(driver.constraint ?? '');
}

/** Changes of flash jobs: each a compare-and-swap together with its history and its event. */
@Injectable()
export class FlashJobChangesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly jobs: FlashJobsRepository,
    private readonly events: EventsRepository,
    private readonly observer: FlashJobObserver,
  ) {}

  /** Does several things in one transaction. */
  async within<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.source.transaction(work);
  }

  /**
   * Stores a new job after `check` has looked at what it needs, in one transaction. Throws JOB_ACTIVE when the machine
   * has an active one, under whichever of its MAC addresses.
   */
  async insert(
    mac: string,
    actor: Actor,
    check: (manager: EntityManager) => Promise<FlashJobEntity>,
  ): Promise<FlashJobEntity> {
    try {
      return await this.within((manager) => this.insertIn(manager, actor, () => check(manager)));
    } catch (error) {
      if (!violated(error, /flash_jobs_one_active/)) throw error;
      throw jobActive(await this.jobs.activeOf(mac), mac);
    }
  }

  /** As {@link insert}, within the transaction of `manager`; `check` has to lock the machine's box against other jobs. */
  async insertIn(manager: EntityManager, actor: Actor, check: () => Promise<FlashJobEntity>): Promise<FlashJobEntity> {
    const made = await check();
    const holder = await this.jobs.activeOf(made.mac, manager);
    if (holder !== undefined) throw jobActive(holder, made.mac);
    const earlier = made.kind === 'flash' ? await this.jobs.earlierFlashes(made, manager) : [];
    const job = { ...made, ...predictDuration(made, earlier) };
    await manager.insert(FlashJobEntity, job as object);
    const after = { kind: job.kind, state: job.state, image: job.imageName };
    await this.note(manager, job, 'flash-job.created', actor, undefined, after);
    return job;
  }

  /** The job as it is now. Throws NOT_FOUND. */
  async read(id: string): Promise<FlashJobEntity> {
    const job = await this.jobs.find(id);
    if (job === undefined) throw new BtyError('NOT_FOUND', `there is no flash job ${id}`);
    return job;
  }

  /**
   * Changes a job: `decide` sees it as it is and returns the change, or undefined for none. When somebody else changes
   * it meanwhile, it decides again. Returns the changed job, or undefined when nothing was changed.
   */
  async change(
    id: string,
    actor: Actor,
    now: Date,
    decide: (job: FlashJobEntity) => JobChange | undefined,
    options: ChangeOptions = {},
  ): Promise<FlashJobEntity | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const job = await this.read(id);
      const change = decide(job);
      const columns = change === undefined ? undefined : applyChange(job, change, now);
      if (columns === undefined) return undefined;
      const outcome = await this.swap(job, columns, actor, options);
      if (outcome === 'nothing') return undefined;
      if (outcome === 'conflict') continue;
      if (!isActive(outcome.state)) this.observer.ended(outcome);
      return outcome;
    }
    throw new BtyError('UNAVAILABLE', `flash job ${id} is changing too often; try again`);
  }

  /** Stores how far attempts are, each while its session has it under way. Returns the ids of those that are. */
  async storeProgress(told: readonly ToldProgress[]): Promise<Set<string>> {
    const [rows] = await this.source.query<[{ id: string }[], number]>(
      `UPDATE flash_jobs job SET progress = told.progress, last_progress_at = told."movedAt"
       FROM jsonb_to_recordset($1::jsonb)
         AS told("jobId" uuid, "sessionId" uuid, epoch int, progress jsonb, "movedAt" timestamptz)
       WHERE job.id = told."jobId" AND job.session_id = told."sessionId" AND job.epoch = told.epoch
         AND job.state IN ('dispatched', 'running') RETURNING job.id`,
      [JSON.stringify(told)],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Sets the report of an attempt, also when the job is over. */
  async attachReport(id: string, agent: RequestingAgent, epoch: number, report: ReportFile[]): Promise<void> {
    const { mac, sessionId, ip } = agent;
    await this.within(async (manager) => {
      const where = { id, sessionId, epoch };
      const old = await manager.findOne(FlashJobEntity, { where, lock: { mode: 'pessimistic_write' } });
      if (old === null) return;
      await manager.update(FlashJobEntity, { id }, { report });
      const actor = { name: `agent:${mac}`, ip };
      const files = (of: ReportFile[] | null) => ({ epoch, mac: old.mac, report_files: of?.length ?? null });
      const [before, after] = [files(old.report), files(report)];
      await this.events.append(manager, {
        subject: `flash-job/${id}`,
        action: 'flash-job.reported',
        actor,
        before,
        after,
      });
    });
  }

  /** Takes the reports and logs off all but the newest jobs of a machine that have a report; returns their ids. */
  async dropOldReports(mac: string, keep: number): Promise<string[]> {
    return this.source.transaction(async (manager) => {
      const order = { createdAt: 'DESC' } as const;
      const where = { mac, report: Not(IsNull()) };
      const old = await manager.find(FlashJobEntity, { select: { id: true }, where, order, skip: keep });
      const ids = old.map(({ id }) => id);
      if (ids.length === 0) return [];
      await manager.update(FlashJobEntity, { id: In(ids) }, { report: null });
      await manager.delete(FlashLogEntity, { jobId: In(ids) });
      return ids;
    });
  }

  private async swap(
    job: FlashJobEntity,
    columns: NonNullable<ReturnType<typeof applyChange>>,
    actor: Actor,
    options: ChangeOptions,
  ): Promise<FlashJobEntity | 'conflict' | 'nothing'> {
    const { entry, ...set } = columns;
    return this.source
      .transaction(async (manager) => {
        if (options.report !== undefined && !(await this.take(manager, job.id, options.report))) return 'nothing';
        if (options.guard !== undefined && !(await options.guard(manager, job))) return 'nothing';
        const history = () => 'history || CAST(:entry AS jsonb)';
        const { affected } = await manager
          .createQueryBuilder()
          .update(FlashJobEntity)
          .set({ ...set, version: job.version + 1, history } as object)
          .where('id = :id AND version = :version', { id: job.id, version: job.version })
          .setParameter('entry', JSON.stringify([entry]))
          .execute();
        if (affected !== 1) throw new ConflictSignal();
        const changed = await manager.findOneByOrFail(FlashJobEntity, { id: job.id });
        if (changed.state !== job.state || changed.epoch !== job.epoch) {
          const before = { state: job.state, epoch: job.epoch };
          const after = { state: changed.state, epoch: changed.epoch, ...(entry.code ? { code: entry.code } : {}) };
          await this.note(manager, changed, `flash-job.${changed.state}`, actor, before, after);
        }
        await options.also?.(manager, changed);
        return changed;
      })
      .catch((error: unknown) => {
        if (error instanceof ConflictSignal) return 'conflict' as const;
        throw error;
      });
  }

  private async take(manager: EntityManager, jobId: string, report: ReportKey): Promise<boolean> {
    const inserted = await manager
      .createQueryBuilder()
      .insert()
      .into(FlashReportEntity)
      .values({ jobId, epoch: report.epoch, seq: String(report.seq) })
      .orIgnore()
      .returning('seq')
      .execute();
    return (inserted.raw as unknown[]).length > 0;
  }

  private async note(
    manager: EntityManager,
    job: FlashJobEntity,
    action: string,
    actor: Actor,
    before: Record<string, unknown> | undefined,
    after: { state: string; code?: ErrorCode; [more: string]: unknown },
  ): Promise<void> {
    const change = { subject: `flash-job/${job.id}`, action, actor, before, after: { ...after, mac: job.mac } };
    await this.events.append(manager, change);
  }
}
