import { Injectable } from '@nestjs/common';
import { FlashJobsRepository } from '../flash-jobs/index.js';
import { type WorkflowRef, WorkflowUse } from '../workflows/index.js';
import { RunsRepository } from './runs.repository.js';

/** Tells the catalogue of workflows what needs them. */
@Injectable()
export class ActiveWorkflowUse extends WorkflowUse {
  constructor(
    private readonly flashJobs: FlashJobsRepository,
    private readonly runs: RunsRepository,
  ) {
    super();
  }

  override async activeUseOf({ name, digest }: WorkflowRef): Promise<string | undefined> {
    const job = await this.flashJobs.activeWithWorkflow(name, digest);
    if (job !== undefined) return `flash job ${job.id}`;
    const run = await this.runs.activeWith(name, digest);
    return run && `run ${run.id}`;
  }
}
