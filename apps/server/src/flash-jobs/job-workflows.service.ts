import type { FileHandle } from 'node:fs/promises';
import { BtyError, type JobWorkflow, type MacAddress, PROTOCOL_LIMITS } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { MachinesRepository } from '../machines/index.js';
import { mainFileOf, ownConfig, runConfig, WorkflowStore } from '../workflows/index.js';
import type { FlashJobEntity } from './flash-job.entity.js';

/** What agents are told of the workflows that they run on the disks which they flash. */
@Injectable()
export class JobWorkflows {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly store: WorkflowStore,
    private readonly machines: MachinesRepository,
  ) {}

  /**
   * What a job's agent runs on the flashed disk; undefined when its mode has nothing of the kind. Throws UNAVAILABLE (files
   * gone) and WORKFLOW_INVALID.
   */
  async orderOf(job: FlashJobEntity): Promise<JobWorkflow | undefined> {
    const { id, workflowName: name, workflowDigest: digest } = job;
    if (job.provisioningMode !== 'cijoe') return undefined;
    if (name === null || digest === null) throw new TypeError(`flash job ${id} is to run a workflow and names none`);
    const files = await this.store.files(digest);
    const main = mainFileOf(files);
    if ('problem' in main) throw new BtyError('WORKFLOW_INVALID', main.problem);
    const facts = {
      mac: job.mac,
      hostname: (await this.machines.find(job.mac as MacAddress))?.hostname ?? undefined,
      image: job.imageName,
      image_sha256: job.imageSha256 ?? undefined,
    };
    const config = runConfig(ownConfig(files), facts, undefined);
    if (Buffer.byteLength(config) > PROTOCOL_LIMITS.maxWorkflowConfigBytes) {
      const limit = PROTOCOL_LIMITS.maxWorkflowConfigBytes;
      throw new BtyError('WORKFLOW_INVALID', `the configuration of ${name} has more than ${limit} bytes`);
    }
    return {
      name,
      path: `/flash-jobs/${id}/workflow`,
      digest,
      size_bytes: await this.store.sizeOf(digest),
      main_file: main.path,
      config,
      time_limit_seconds: this.config.runTimeoutSeconds,
    };
  }

  /** Opens the tar of a job's workflow. Throws NOT_FOUND when it has none, UNAVAILABLE when it is gone. */
  async open(job: FlashJobEntity): Promise<{ handle: FileHandle; digest: string }> {
    const digest = job.workflowDigest;
    if (digest === null) throw new BtyError('NOT_FOUND', `flash job ${job.id} has no workflow`);
    return { handle: await this.store.open(digest), digest };
  }
}
