import { createHash, randomUUID } from 'node:crypto';
import { BtyError, type MacAddress, type TargetHint, type VerifyMode } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { type Actor, invalidFields } from '../http/index.js';
import { type ImageEntity, ImagesRepository } from '../images/index.js';
import { type MachineEntity, MachinesRepository, noSuchMachine } from '../machines/index.js';
import { AgentDispatcher } from './agent-dispatcher.port.js';
import type { FlashJobEntity, JobError } from './flash-job.entity.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { failWith } from './job-change.js';

/** What is ordered. What is left out comes from the machine's record. */
export interface JobOrder {
  readonly mac: MacAddress;
  readonly image?: string | undefined;
  readonly verify?: VerifyMode | undefined;
  readonly targetHint?: TargetHint | undefined;
}

function newJob(order: JobOrder, machine: MachineEntity, image: ImageEntity | undefined, now: Date): FlashJobEntity {
  return {
    id: randomUUID(),
    mac: machine.mac,
    state: 'queued',
    version: 0,
    epoch: 0,
    stage: null,
    imageName: image?.name ?? order.image ?? machine.image ?? '',
    imageFormat: image?.format ?? null,
    imageSha256: image?.sha256 ?? null,
    imageSizeBytes: image?.sizeBytes ?? null,
    contentSizeBytes: image?.contentSizeBytes ?? null,
    contentSha256: image?.contentSha256 ?? null,
    mapBlake3: null,
    mapSizeBytes: null,
    packBlake3: null,
    verify: order.verify ?? 'full',
    targetHint: order.targetHint ?? machine.targetHint,
    provisioningMode: machine.provisioningMode,
    requestedBy: 'policy',
    idempotencyKey: null,
    requestHash: null,
    sessionId: null,
    commitGrantedAt: null,
    progress: null,
    lastProgressAt: null,
    history: [{ at: now.toISOString(), state: 'queued', epoch: 0 }],
    error: null,
    result: null,
    createdAt: now,
    dispatchedAt: null,
    finishedAt: null,
  };
}

function hashOf(order: JobOrder): string {
  const hint = Object.entries(order.targetHint ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const canonical = JSON.stringify([order.mac, order.image ?? null, order.verify ?? null, hint]);
  return createHash('sha256').update(canonical).digest('hex');
}

/** Makes flash jobs. */
@Injectable()
export class FlashJobCreate {
  private readonly log = new Logger('FlashJobs');

  constructor(
    private readonly machines: MachinesRepository,
    private readonly images: ImagesRepository,
    private readonly jobs: FlashJobsRepository,
    private readonly changes: FlashJobChangesRepository,
    private readonly agents: AgentDispatcher,
  ) {}

  /**
   * Makes the job that somebody asked for. The same idempotency key with the same order gives the same job.
   * Throws NOT_FOUND (machine), INVALID_REQUEST (image), CONFLICT (image not ready, key used otherwise), JOB_ACTIVE.
   */
  async byRequest(
    order: JobOrder,
    idempotencyKey: string | undefined,
    actor: Actor,
    now: Date,
  ): Promise<{ job: FlashJobEntity; created: boolean }> {
    const earlier = await this.earlier(order, idempotencyKey);
    if (earlier !== undefined) return { job: earlier, created: false };
    const job = await this.changes.insert(actor, async (manager) => {
      const machine = await this.machines.claimForJobIn(manager, order.mac);
      if (machine === undefined) throw noSuchMachine(order.mac);
      const name = order.image ?? machine.image;
      if (name === null)
        throw invalidFields([{ field: 'image', problem: `the record of ${order.mac} names no image` }]);
      const image = await this.images.claimIn(manager, name);
      refuseUnflashable(name, image);
      const keyed = { idempotencyKey: idempotencyKey ?? null, requestHash: hashOf(order), requestedBy: actor.name };
      return { ...newJob(order, machine, image, now), ...keyed };
    });
    if (job === undefined) return this.byRequest(order, idempotencyKey, actor, now);
    this.log.log(`flash job ${job.id} of ${job.mac} with ${job.imageName} was ordered by ${actor.name}`);
    this.agents.notify(job.mac);
    return { job, created: true };
  }

  /**
   * Makes the job that boot policy `flash` means. An image that cannot be flashed makes a job that has failed, so that
   * the record shows why. Undefined while the image is being prepared.
   */
  async byPolicy(mac: MacAddress, actor: Actor, now: Date): Promise<FlashJobEntity | undefined> {
    const { image: name } = (await this.machines.find(mac)) ?? { image: null };
    if (name === null) return undefined;
    if ((await this.images.find(name))?.state === 'preparing') return undefined;
    let problem: JobError | undefined;
    const job = await this.changes.insert(actor, async (manager) => {
      const machine = await this.machines.claimForJobIn(manager, mac);
      if (machine === undefined) throw noSuchMachine(mac);
      const image = await this.images.claimIn(manager, name);
      problem = unflashable(name, image);
      return newJob({ mac, image: name }, machine, image, now);
    });
    if (job === undefined) return undefined;
    this.log.log(`flash job ${job.id} of ${mac} with ${name} was made by its boot policy`);
    const failure = problem;
    if (failure === undefined) return job;
    return this.changes.change(job.id, actor, now, () => failWith(failure));
  }

  private async earlier(order: JobOrder, key: string | undefined): Promise<FlashJobEntity | undefined> {
    const earlier = key === undefined ? undefined : await this.jobs.byIdempotencyKey(key);
    if (earlier !== undefined && earlier.requestHash !== hashOf(order)) {
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

function refuseUnflashable(name: string, image: ImageEntity | undefined): void {
  if (image?.state === 'preparing') throw new BtyError('CONFLICT', `the image ${name} is being prepared; try again`);
  const problem = unflashable(name, image);
  if (problem !== undefined) throw invalidFields([{ field: 'image', problem: problem.message }]);
}
