import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, In, QueryFailedError } from 'typeorm';
import { storable } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor, RevisionCheck } from '../http/index.js';
import type { ReportFile } from '../reports/index.js';
import { RunEntity } from './run.entity.js';
import { applyRunChange, endRun, type RunChange, type RunColumns } from './run-change.js';
import { ACTIVE_RUN_STATES, isActiveRun } from './run-state.js';
import { RunsRepository } from './runs.repository.js';

const MAX_TRIES = 5;

/** Rolls the transaction back when somebody else was faster. */
class ConflictSignal extends Error {}

/** What goes into the same transaction as a change. */
export type RunCompanion = (manager: EntityManager, run: RunEntity) => Promise<void>;

function isSecondActive(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const driver = error.driverError as { code?: string; constraint?: string };
  return driver.code === '23505' && driver.constraint === 'runs_one_active';
}

function noSuchRun(id: string): BtyError {
  return new BtyError('NOT_FOUND', `there is no run ${id}`);
}

/** Which state of a run that is, for ETags. */
export function runRevision({ version }: RunEntity): string {
  return String(version);
}

/** What events tell of a run, as it is or as a change makes it. */
function facts(run: RunEntity, columns?: RunColumns): Record<string, unknown> {
  const error = columns?.error ?? run.error;
  const workflow = `${run.workflowName}@${run.workflowDigest}`;
  return { state: columns?.state ?? run.state, mac: run.mac, workflow, ...(error ? { code: error.code } : {}) };
}

/** Changes of runs: each a compare-and-swap together with its history and its event. */
@Injectable()
export class RunChangesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly runs: RunsRepository,
    private readonly events: EventsRepository,
  ) {}

  /** Does work in one transaction. */
  async within<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.source.transaction(work);
  }

  /** Stores a new run. Throws RUN_ACTIVE when the machine has an active one. */
  async insert(run: RunEntity, actor: Actor): Promise<RunEntity> {
    try {
      return await this.within((manager) => this.insertIn(manager, run, actor));
    } catch (error) {
      if (!isSecondActive(error)) throw error;
      const { mac } = run;
      const holder = await this.runs.activeOf(mac);
      throw new BtyError('RUN_ACTIVE', `run ${holder?.id} of ${mac} is active`, { details: { run_id: holder?.id } });
    }
  }

  /** As {@link insert}, within the transaction of `manager`. */
  async insertIn(manager: EntityManager, run: RunEntity, actor: Actor): Promise<RunEntity> {
    await manager.insert(RunEntity, run as object);
    await this.note(manager, run, `run.${run.state === 'queued' ? 'created' : run.state}`, actor);
    return run;
  }

  /** Cancels the machine's active run, if it has one, because a flash has made it pointless. */
  async supersedeIn(manager: EntityManager, mac: string, message: string, actor: Actor, now: Date): Promise<void> {
    const where = { mac, state: In(ACTIVE_RUN_STATES) };
    const run = await manager.findOne(RunEntity, { where, lock: { mode: 'pessimistic_write' } });
    const columns = run && applyRunChange(run, endRun('cancel', { code: 'CANCELLED', message }), now);
    if (run === null || columns === undefined || columns === null) return;
    await this.write(manager, run, columns);
    await this.note(manager, run, 'run.cancelled', actor, columns);
  }

  /** The run as it is now. Throws NOT_FOUND. */
  async read(id: string): Promise<RunEntity> {
    const run = await this.runs.find(id);
    if (run === undefined) throw noSuchRun(id);
    return run;
  }

  /**
   * Changes a run: `decide` sees it as it is and returns the change, or undefined for none. When somebody else changes it
   * meanwhile, it decides again. Returns the changed run, or undefined when nothing was changed.
   */
  async change(
    id: string,
    actor: Actor,
    now: Date,
    decide: (run: RunEntity) => RunChange | undefined,
    also?: RunCompanion,
  ): Promise<RunEntity | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const run = await this.read(id);
      const change = decide(run);
      const columns = change === undefined ? undefined : applyRunChange(run, change, now);
      if (columns === undefined) return undefined;
      const changed = await this.swap(run, columns, actor, also);
      if (changed !== 'conflict') return changed;
    }
    throw new BtyError('UNAVAILABLE', `run ${id} is changing too often; try again`);
  }

  /** Says that the worker is alive and has the run. False when the run is not its any more. */
  async heartbeat(id: string, workerId: string, now: Date): Promise<boolean> {
    const where = { id, workerId, state: In(['waiting', 'running']) };
    const { affected } = await this.source.getRepository(RunEntity).update(where, { heartbeatAt: now });
    return affected === 1;
  }

  /** Keeps the report of a run that somebody else has brought to its end. */
  async attachReport(id: string, report: ReportFile[]): Promise<void> {
    await this.source.getRepository(RunEntity).update({ id }, { report } as object);
  }

  /** Removes a run that is over, unless `check` throws. Throws NOT_FOUND, and IN_USE while it is active. */
  async remove(id: string, actor: Actor, check: RevisionCheck): Promise<void> {
    await this.source.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const run = await manager.findOne(RunEntity, { where: { id }, lock });
      if (run === null) throw noSuchRun(id);
      check(runRevision(run));
      if (isActiveRun(run.state)) throw new BtyError('IN_USE', `run ${id} is ${run.state}; cancel it first`);
      await manager.delete(RunEntity, { id });
      await this.events.append(manager, { subject: `run/${id}`, action: 'run.removed', actor, before: facts(run) });
    });
  }

  private async swap(
    run: RunEntity,
    columns: RunColumns,
    actor: Actor,
    also: RunCompanion | undefined,
  ): Promise<RunEntity | 'conflict'> {
    return this.source
      .transaction(async (manager) => {
        await this.write(manager, run, columns);
        await this.note(manager, run, `run.${columns.state}`, actor, columns);
        await also?.(manager, run);
        return manager.findOneByOrFail(RunEntity, { id: run.id });
      })
      .catch((error: unknown) => {
        if (error instanceof ConflictSignal) return 'conflict' as const;
        throw error;
      });
  }

  private async write(manager: EntityManager, run: RunEntity, { entry, ...set }: RunColumns): Promise<void> {
    const history = () => 'history || CAST(:entry AS jsonb)';
    const { affected } = await manager
      .createQueryBuilder()
      .update(RunEntity)
      .set({
        ...set,
        ...(set.error ? { error: storable(set.error) } : {}),
        version: run.version + 1,
        history,
      } as object)
      .where('id = :id AND version = :version', { id: run.id, version: run.version })
      .setParameter('entry', JSON.stringify([storable(entry)]))
      .execute();
    if (affected !== 1) throw new ConflictSignal();
  }

  private async note(
    manager: EntityManager,
    run: RunEntity,
    action: string,
    actor: Actor,
    columns?: RunColumns,
  ): Promise<void> {
    const before = columns === undefined ? undefined : { state: run.state };
    const after = facts(run, columns);
    await this.events.append(manager, { subject: `run/${run.id}`, action, actor, before, after });
  }
}
