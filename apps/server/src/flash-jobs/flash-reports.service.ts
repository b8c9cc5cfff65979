import {
  BtyError,
  type CheckFinished,
  type ErrorCode,
  type FlashFinished,
  type FlashJobKind,
  type FlashStageReport,
  type JobRef,
  type MacAddress,
} from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { storable } from '../db/index.js';
import type { Actor } from '../http/index.js';
import { FlashEndings } from './flash-endings.service.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { FlashProgressBuffer } from './flash-progress.service.js';
import { enterStage, failWith, type JobChange } from './job-change.js';
import { isHeld } from './job-state.js';

const NO_REASON = { code: 'INTERNAL', message: 'the agent gave no reason' } as const;

/** Why an agent must stop what it does with a job. */
export interface Stop {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Why the attempt that a reference names is over, or undefined while it is under way. */
export function stopOf(job: FlashJobEntity, ref: JobRef): Stop | undefined {
  if (job.epoch !== ref.epoch || job.state === 'queued') {
    return { code: 'STALE_EPOCH', reason: `the job is in epoch ${job.epoch} and ${job.state} now` };
  }
  if (isHeld(job.state)) return undefined;
  return { code: job.error?.code ?? 'STALE_EPOCH', reason: job.error?.message ?? `the job has ${job.state}` };
}

/** Takes what agents report about their jobs. A report about an attempt that is over changes nothing. */
@Injectable()
export class FlashReports {
  private readonly log = new Logger('FlashJobs');

  constructor(
    private readonly jobs: FlashJobsRepository,
    private readonly changes: FlashJobChangesRepository,
    private readonly progress: FlashProgressBuffer,
    private readonly endings: FlashEndings,
  ) {}

  /**
   * The job that a message of an agent names, of one kind where that is given. Throws NOT_FOUND when it is none of its
   * machine's: neither of its own record nor, handed to this very session, of another record of the same box.
   */
  async jobOf(
    agent: { mac: MacAddress; sessionId: string },
    ref: JobRef,
    kind?: FlashJobKind,
  ): Promise<FlashJobEntity> {
    const job = await this.jobs.find(ref.job_id);
    const own = job !== undefined && (job.mac === agent.mac || job.sessionId === agent.sessionId);
    if (own && (kind === undefined || job.kind === kind)) return job;
    throw new BtyError('NOT_FOUND', `job_id: ${ref.job_id} is no ${kind ?? 'flash'} job of ${agent.mac}`);
  }

  async stage(report: FlashStageReport, actor: Actor, now: Date): Promise<void> {
    const decide = (job: FlashJobEntity) =>
      stopOf(job, report) === undefined
        ? enterStage(report.stage, now, this.progress.bytesDoneOf(report, job.stage))
        : undefined;
    await this.changes.change(report.job_id, actor, now, decide, { report });
  }

  async finished(report: FlashFinished, actor: Actor, now: Date): Promise<void> {
    const { result, error } = storable({ result: report.result, error: report.error });
    const decide = (job: FlashJobEntity): JobChange | undefined => {
      if (stopOf(job, report) !== undefined) return undefined;
      const bytesDone = this.progress.bytesDoneOf(report, job.stage);
      if (report.outcome === 'succeeded') return { event: 'succeed', set: { result: result ?? null }, bytesDone };
      return { ...failWith(error ?? NO_REASON), bytesDone };
    };
    let next: (() => void) | undefined;
    const changed = await this.changes.change(report.job_id, actor, now, decide, {
      report,
      also: async (manager, job) => {
        if (job.state !== 'succeeded') return;
        next = await this.endings.succeededIn(manager, job, actor, now);
      },
    });
    if (changed !== undefined) this.tellEnd(changed);
    next?.();
  }

  /** Nothing follows from a check: the machine was not flashed. */
  async checked(report: CheckFinished, actor: Actor, now: Date): Promise<void> {
    const { result, error } = storable({ result: report.result, error: report.error });
    const decide = (job: FlashJobEntity): JobChange | undefined => {
      if (stopOf(job, report) !== undefined) return undefined;
      if (report.outcome === 'succeeded') return { event: 'succeed', set: { checkResult: result ?? null } };
      return failWith(error ?? NO_REASON);
    };
    const changed = await this.changes.change(report.job_id, actor, now, decide, { report });
    if (changed !== undefined) this.tellEnd(changed);
  }

  /** Lets the attempt make its disk bootable. From then on the job cannot be cancelled. Returns why not, if not. */
  async grantCommit(ref: JobRef, actor: Actor, now: Date): Promise<Stop | undefined> {
    let stop: Stop | undefined;
    await this.changes.change(ref.job_id, actor, now, (job) => {
      stop = stopOf(job, ref);
      if (stop !== undefined) return undefined;
      const granted = enterStage('committing', now);
      return { ...granted, set: { ...granted.set, commitGrantedAt: job.commitGrantedAt ?? now } };
    });
    return stop;
  }

  /** The machine is about to boot what was flashed or checked. */
  async rebooting(ref: JobRef, agent: { mac: MacAddress; sessionId: string }, now: Date): Promise<void> {
    await this.endings.rebooting(await this.jobOf(agent, ref), ref, agent.mac, now);
  }

  private tellEnd({ kind, id, mac, state, error }: FlashJobEntity): void {
    const why = error === null ? '' : `: ${error.code} ${error.message}`;
    this.log.log(`${kind} job ${id} of ${mac} has ${state}${why}`);
  }
}
