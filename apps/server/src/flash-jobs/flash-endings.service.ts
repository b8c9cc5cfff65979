import type { JobRef, MacAddress } from '@bty/wire-types';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { MachinesRepository } from '../machines/index.js';
import { AfterFlash } from './after-flash.port.js';
import { findSlowDisk } from './disk-speed.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import type { ChangeTransaction } from './flash-job-changes.repository.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { isFinal } from './job-state.js';

/** What follows from a flash that has succeeded. */
@Injectable()
export class FlashEndings {
  private readonly log = new Logger('FlashJobs');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: FlashJobsRepository,
    private readonly machines: MachinesRepository,
    private readonly events: EventsRepository,
    private readonly after: AfterFlash,
  ) {}

  /** Stores it in the transaction of the success. Returns what there is to do once that has happened. */
  async succeededIn(
    manager: ChangeTransaction,
    job: FlashJobEntity,
    actor: Actor,
    now: Date,
  ): Promise<(() => void) | undefined> {
    await this.noteSlowDiskIn(manager, job, actor);
    await this.machines.markFlashedIn(manager, job.mac, actor, now);
    return this.after.succeededIn(manager, job, actor, now);
  }

  /** The machine is about to boot what was flashed or checked: its next PXE contacts are that boot. */
  async rebooting(job: FlashJobEntity, ref: JobRef, mac: MacAddress, now: Date): Promise<void> {
    const seconds = this.config.firstBootWindowSeconds;
    // A check has left the disk as it was, whatever came of it.
    const done = job.kind === 'check' ? isFinal(job.state) : job.state === 'succeeded';
    if (!done || job.epoch !== ref.epoch || seconds === 0) return;
    // A job that was ordered in the meantime wants the live env.
    if ((await this.jobs.activeOf(mac)) !== undefined) return;
    await this.machines.openFirstBootWindow(mac, new Date(now.getTime() + seconds * 1000));
  }

  private async noteSlowDiskIn(manager: ChangeTransaction, job: FlashJobEntity, actor: Actor): Promise<void> {
    if (job.result === null) return;
    const [, ...earlier] = await this.jobs.lastResults(job.mac, manager);
    const slow = findSlowDisk(job.result, earlier);
    if (slow === undefined) return;
    const after = { job_id: job.id, target: job.result.target, ...slow };
    await this.events.append(manager, { subject: `machine/${job.mac}`, action: 'machine.disk-slow', actor, after });
    const rates = [slow.bytes_per_second, slow.usual_bytes_per_second].map((bytes) => Math.round(bytes / 2 ** 20));
    this.log.warn(
      `the disk ${job.result.target.path} of ${job.mac} was much slower in ${slow.phase}: ${rates.join(' MiB/s, usually ')} MiB/s`,
    );
  }
}
