import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { type Actor, invalidFields } from '../http/index.js';
import type { ImageEntity } from '../images/index.js';
import { NO_SEED_TEXTS, type ProvisioningPlan } from '../provisioning/index.js';
import { AgentDispatcher } from './agent-dispatcher.port.js';
import type { FlashJobEntity, JobError } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobSourcesRepository } from './flash-job-sources.repository.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { failWith } from './job-change.js';
import { type JobOrder, orderHash } from './job-order.js';
import { newJob, planOf } from './new-job.js';

/** Makes flash jobs. */
@Injectable()
export class FlashJobCreate {
  private readonly log = new Logger('FlashJobs');

  constructor(
    private readonly sources: FlashJobSourcesRepository,
    private readonly jobs: FlashJobsRepository,
    private readonly changes: FlashJobChangesRepository,
    private readonly agents: AgentDispatcher,
  ) {}

  /**
   * Makes the job that somebody asked for. The same idempotency key with the same order gives the same job.
   * Throws NOT_FOUND (machine), INVALID_REQUEST (image, inputs of the provisioning mode), CONFLICT (image not ready, key
   * used otherwise), JOB_ACTIVE.
   */
  async byRequest(
    order: JobOrder,
    idempotencyKey: string | undefined,
    actor: Actor,
    now: Date,
  ): Promise<{ job: FlashJobEntity; created: boolean }> {
    const earlier = await this.earlier(order, idempotencyKey);
    if (earlier !== undefined) return { job: earlier, created: false };
    const key = await this.sources.sshPublicKey();
    const job = await this.changes.insert(actor, async (manager) => {
      const sources = await this.sources.claimIn(manager, order, order.image, key);
      refuseUnflashable(sources.imageName, sources.image);
      const keyed = { idempotencyKey: idempotencyKey ?? null, requestHash: orderHash(order), requestedBy: actor.name };
      const { problems, seed } = planOf(order, sources);
      if (problems.length > 0) throw invalidFields(problems);
      return { ...newJob(order, sources, seed, now), ...keyed };
    });
    if (job === undefined) return this.byRequest(order, idempotencyKey, actor, now);
    this.log.log(`${job.kind} job ${job.id} of ${job.mac} with ${job.imageName} was ordered by ${actor.name}`);
    this.agents.notify(job.mac);
    return { job, created: true };
  }

  /**
   * Makes the job that boot policy `flash` means. An image that cannot be flashed, or a mode that lacks an input, makes a
   * job that has failed, so that the record shows why. Undefined while the image is being prepared.
   */
  async byPolicy(mac: MacAddress, actor: Actor, now: Date): Promise<FlashJobEntity | undefined> {
    const name = await this.sources.policyImage(mac);
    if (name === undefined) return undefined;
    const key = await this.sources.sshPublicKey();
    let problem: JobError | undefined;
    const job = await this.changes.insert(actor, async (manager) => {
      const order = { kind: 'flash', mac, texts: NO_SEED_TEXTS } as const;
      const sources = await this.sources.claimIn(manager, order, name, key);
      const { problems, seed } = planOf(order, sources);
      problem = unflashable(name, sources.image) ?? unprovisionable(problems);
      return newJob(order, sources, seed, now);
    });
    if (job === undefined) return undefined;
    this.log.log(`flash job ${job.id} of ${mac} with ${name} was made by its boot policy`);
    const failure = problem;
    if (failure === undefined) return job;
    return this.changes.change(job.id, actor, now, () => failWith(failure));
  }

  private async earlier(order: JobOrder, key: string | undefined): Promise<FlashJobEntity | undefined> {
    const earlier = key === undefined ? undefined : await this.jobs.byIdempotencyKey(key);
    if (earlier !== undefined && earlier.requestHash !== orderHash(order)) {
      const details = { job_id: earlier.id };
      throw new BtyError('CONFLICT', 'this Idempotency-Key was used for another order', { details });
    }
    return earlier;
  }
}

function unflashable(name: string, image: ImageEntity | undefined): JobError | undefined {
  if (image === undefined) return { code: 'IMAGE_UNAVAILABLE', message: `there is no image ${name} in the catalogue` };
  if (image.state === 'ready') return undefined;
  return image.error ?? { code: 'IMAGE_UNAVAILABLE', message: `the image ${name} is ${image.state}` };
}

function unprovisionable(problems: ProvisioningPlan['problems']): JobError | undefined {
  if (problems.length === 0) return undefined;
  const message = problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ');
  return { code: 'INVALID_REQUEST', message: `the record cannot be carried out: ${message}` };
}

function refuseUnflashable(name: string, image: ImageEntity | undefined): void {
  if (image?.state === 'preparing') throw new BtyError('CONFLICT', `the image ${name} is being prepared; try again`);
  const problem = unflashable(name, image);
  if (problem !== undefined) throw invalidFields([{ field: 'image', problem: problem.message }]);
}
