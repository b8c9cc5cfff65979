import {
  BtyError,
  type CheckStart,
  type FlashedTarget,
  type FlashWait,
  type JobStart,
  type JobWorkflow,
} from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import type { Actor } from '../http/index.js';
import { ImageCatalog, type ImageEntity } from '../images/index.js';
import { seedFiles } from '../provisioning/index.js';
import { FlashAdmission } from './flash-admission.service.js';
import { FlashDeadlineQueue } from './flash-deadline.queue.js';
import type { FlashJobEntity, JobError } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { failWith, type HandedImage, handOut, type JobChange, type JobTaker } from './job-change.js';
import { MAX_ATTEMPTS } from './job-state.js';
import { JobWorkflows } from './job-workflows.service.js';

const TOO_MANY: JobError = {
  code: 'TOO_MANY_ATTEMPTS',
  message: `the job was handed out ${MAX_ATTEMPTS} times and no agent brought it to an end`,
};

/** Gives flash jobs to agents. */
@Injectable()
export class FlashHandOut {
  private readonly log = new Logger('FlashJobs');

  constructor(
    private readonly images: ImageCatalog,
    private readonly jobs: FlashJobsRepository,
    private readonly changes: FlashJobChangesRepository,
    private readonly deadlines: FlashDeadlineQueue,
    private readonly workflows: JobWorkflows,
    private readonly admission: FlashAdmission,
  ) {}

  /**
   * Hands an active job to an agent, under a new epoch; or tells it to wait while too many others are being flashed.
   * Undefined when there is nothing to hand out: the job ended, it failed just now, or its image is not ready yet (it
   * stays queued then).
   */
  async give(
    jobId: string,
    agent: JobTaker & { readonly mac: string },
    actor: Actor,
    now: Date,
  ): Promise<JobStart | FlashWait | undefined> {
    const job = await this.changes.read(jobId);
    const workflow = await this.workflowOf(job);
    const problem = 'problem' in workflow ? workflow.problem : undefined;
    const changed = await this.decide(job, problem, agent, actor, now);
    if (changed === 'must wait') return this.putOff(jobId, agent.mac, now);
    if (changed === undefined) return undefined;
    if (changed.state !== 'dispatched') {
      this.log.warn(`flash job ${changed.id} of ${changed.mac} failed: ${changed.error?.message}`);
      return undefined;
    }
    this.deadlines.arm(changed.id, changed.epoch, 0);
    this.log.log(`flash job ${changed.id} of ${changed.mac} is handed out (epoch ${changed.epoch})`);
    const order = toStart(changed, await this.jobs.lastTarget(changed.mac));
    return 'order' in workflow && order.type === 'flash.start' ? { ...order, workflow: workflow.order } : order;
  }

  private async workflowOf(job: FlashJobEntity): Promise<{ order: JobWorkflow } | { problem: JobError } | object> {
    try {
      const order = await this.workflows.orderOf(job);
      return order === undefined ? {} : { order };
    } catch (error) {
      if (!(error instanceof BtyError)) throw error;
      return { problem: { code: error.code, message: error.message } };
    }
  }

  private async putOff(jobId: string, mac: string, now: Date): Promise<FlashWait> {
    const ahead = await this.admission.queue(await this.changes.read(jobId), mac, now);
    return { type: 'flash.wait', job_id: jobId, ahead };
  }

  private async decide(
    job: FlashJobEntity,
    problem: JobError | undefined,
    taker: JobTaker,
    actor: Actor,
    now: Date,
  ): Promise<FlashJobEntity | 'must wait' | undefined> {
    const image = await this.images.current(job.imageName);
    if (image?.state === 'preparing') return undefined;
    const lost = image === undefined ? imageGone(job) : imageChanged(job, image.sha256);
    let mustWait = false;
    let handedOut = false;
    const decide = (current: FlashJobEntity): JobChange => {
      handedOut = false;
      if (image === undefined || lost !== undefined) return failWith(lost ?? imageGone(job));
      if (image.state !== 'ready') return failWith(image.error ?? imageGone(job));
      if (problem !== undefined) return failWith(problem);
      if (current.epoch >= MAX_ATTEMPTS) return failWith(TOO_MANY);
      // A check fetches no image.
      handedOut = current.kind === 'flash';
      return handOut(current, taker, handedImage(image), now);
    };
    const changed = await this.changes.change(job.id, actor, now, decide, {
      guard: async (manager, current) => {
        // An agent that is given the job again has its share already.
        mustWait = handedOut && current.state === 'queued' && !(await this.admission.admitIn(manager, current, now));
        return !mustWait;
      },
    });
    return mustWait ? 'must wait' : changed;
  }
}

function imageGone(job: FlashJobEntity): JobError {
  return { code: 'IMAGE_UNAVAILABLE', message: `the image ${job.imageName} is no longer in the catalogue` };
}

function imageChanged(job: FlashJobEntity, sha256: string | null): JobError | undefined {
  if (sha256 === job.imageSha256) return undefined;
  const message = `${job.imageName} has other bytes now than when the job was made`;
  return { code: 'IMAGE_CHANGED', message, details: { ordered_sha256: job.imageSha256, present_sha256: sha256 } };
}

/** The map is chosen now, not when the job is made: the same bytes may have been prepared again since. */
function handedImage(image: ImageEntity): HandedImage {
  const { format, sizeBytes, contentSizeBytes, contentSha256, mapBlake3, mapSizeBytes, packBlake3 } = image;
  return {
    imageFormat: format,
    imageSizeBytes: sizeBytes,
    contentSizeBytes,
    contentSha256,
    mapBlake3,
    mapSizeBytes,
    packBlake3,
  };
}

/** What both kinds of jobs say. */
function toOrder(job: FlashJobEntity, lastTarget: FlashedTarget | undefined): Omit<CheckStart, 'type'> {
  const { imageFormat, imageSizeBytes, contentSizeBytes, imageSha256, contentSha256, mapBlake3, mapSizeBytes } = job;
  if (
    !imageFormat ||
    !imageSizeBytes ||
    !contentSizeBytes ||
    !imageSha256 ||
    !contentSha256 ||
    !mapBlake3 ||
    !mapSizeBytes
  ) {
    throw new TypeError(`flash job ${job.id} was handed out without an image`);
  }
  return {
    job_id: job.id,
    epoch: job.epoch,
    image: {
      name: job.imageName,
      format: imageFormat,
      size_bytes: imageSizeBytes,
      content_size_bytes: contentSizeBytes,
      sha256: imageSha256,
      content_sha256: contentSha256,
      map: { path: `/maps/${mapBlake3}`, size_bytes: mapSizeBytes, blake3: mapBlake3 },
    },
    ...(job.targetHint === null ? {} : { target_hint: job.targetHint }),
    ...(lastTarget === undefined ? {} : { last_target: lastTarget }),
  };
}

function toStart(job: FlashJobEntity, lastTarget: FlashedTarget | undefined): JobStart {
  const order = toOrder(job, lastTarget);
  if (job.kind === 'check') return { type: 'check.start', ...order };
  return {
    type: 'flash.start',
    ...order,
    verify: job.verify,
    provisioning_mode: job.provisioningMode === 'cijoe-online' ? 'none' : job.provisioningMode,
    ...(job.seed === null ? {} : { seed: seedFiles(job.seed, job.id, job.epoch) }),
  };
}
