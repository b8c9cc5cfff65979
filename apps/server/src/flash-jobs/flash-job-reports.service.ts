import { readArchive } from '@bty/archive';
import { BtyError, PROTOCOL_LIMITS } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import type { RequestingAgent } from '../http/index.js';
import { type OpenReport, ReportStore } from '../reports/index.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';

const LIMITS = { maxBytes: PROTOCOL_LIMITS.maxReportBytes, maxFiles: PROTOCOL_LIMITS.maxReportFiles } as const;

/** Of one machine. A lab flashes a machine hundreds of times a day. */
const KEPT_REPORTS = 20;

/** The reports of workflows that agents run. */
@Injectable()
export class FlashJobReports {
  constructor(
    private readonly changes: FlashJobChangesRepository,
    private readonly reports: ReportStore,
  ) {}

  /** The job of an attempt that was handed to this agent. Throws NOT_FOUND, and STALE_EPOCH once it is another's. */
  async attemptOf(agent: RequestingAgent, jobId: string, epoch?: number): Promise<FlashJobEntity> {
    const job = await this.changes.read(jobId);
    const isOlder = epoch !== undefined && epoch !== job.epoch;
    if (job.sessionId === agent.sessionId && !isOlder && job.state !== 'queued') return job;
    if (job.sessionId !== agent.sessionId && job.mac !== agent.mac) {
      throw new BtyError('NOT_FOUND', `${jobId} is no flash job of ${agent.mac}`);
    }
    throw new BtyError('STALE_EPOCH', `the job is in epoch ${job.epoch} and ${job.state} now`);
  }

  /** Stores what a workflow left, also when its job is over by now. Throws as `attemptOf`, ARCHIVE_INVALID, TOO_LARGE. */
  async put(agent: RequestingAgent, jobId: string, epoch: number, archive: Buffer): Promise<void> {
    const { mac } = await this.attemptOf(agent, jobId, epoch);
    const files = readArchive(archive, LIMITS);
    const report = await this.reports.putReport(`flash-jobs/${jobId}`, files);
    await this.changes.attachReport(jobId, agent, epoch, report);
    const dropped = await this.changes.dropOldReports(mac, KEPT_REPORTS);
    for (const old of dropped) await this.reports.remove(`flash-jobs/${old}`);
  }

  /** The report of a job. Throws NOT_FOUND. */
  async open(jobId: string): Promise<OpenReport> {
    const { report, finishedAt, dispatchedAt } = await this.changes.read(jobId);
    if (report === null) throw new BtyError('NOT_FOUND', `flash job ${jobId} has no report`);
    const modifiedAt = finishedAt ?? dispatchedAt ?? new Date();
    const open = () => this.reports.openReport(`flash-jobs/${jobId}`);
    return { id: jobId, kind: 'flash-job', files: report, modifiedAt, open };
  }
}
