import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { type Actor, invalidFields } from '../http/index.js';
import type { ImageEntity } from '../images/index.js';
import { NO_SEED_TEXTS, type ProvisioningPlan } from '../provisioning/index.js';
import { AgentDispatcher } from './agent-dispatcher.port.js';
import type { FlashJobEntity, JobError } from './flash-job.entity.js';
import { type ChangeTransaction, FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobSourcesRepository } from './flash-job-sources.repository.js';
import { failWith } from './job-change.js';
import type { JobOrder } from './job-order.js';
import { newJob, planOf } from './new-job.js';

/** Makes flash jobs. */
@Injectable()
export class FlashJobCreate {
  private readonly log = new Logger('FlashJobs');

  constructor(
    private readonly sources: FlashJobSourcesRepository,
    private readonly changes: FlashJobChangesRepository,
    private readonly agents: AgentDispatcher,
  ) {}

  /**
   * Makes a job that somebody asked for, within the transaction of `manager`; {@link announce} it afterwards.
   * Throws NOT_FOUND (machine), INVALID_REQUEST (image, inputs of the provisioning mode), CONFLICT (image not ready),
   * JOB_ACTIVE.
   */
  async makeIn(manager: ChangeTransaction, order: JobOrder, actor: Actor, now: Date): Promise<FlashJobEntity> {
    const key = await this.sources.sshPublicKey();
    return this.changes.insertIn(manager, actor, async () => {
      const sources = await this.sources.claimIn(manager, order, order.image, key);
      refuseUnflashable(sources.imageName, sources.image);
      const { problems, seed } = planOf(order, sources);
      if (problems.length > 0) throw invalidFields(problems);
      return { ...newJob(order, sources, seed, now), requestedBy: actor.name };
    });
  }

  /** Makes a job that does again what another has not brought to its end, in the same bytes. Throws as `makeIn` does. */
  async againIn(manager: ChangeTransaction, earlier: FlashJobEntity, actor: Actor, now: Date): Promise<FlashJobEntity> {
    const mac = earlier.mac as MacAddress;
    const key = await this.sources.sshPublicKey();
    return this.changes.insertIn(manager, actor, async () => {
      const order = { kind: earlier.kind, mac, texts: NO_SEED_TEXTS };
      const sources = await this.sources.claimIn(manager, order, earlier.imageName, key);
      refuseUnflashable(earlier.imageName, sources.image);
      if (earlier.imageSha256 !== null && sources.image?.sha256 !== earlier.imageSha256) {
        throw new BtyError('IMAGE_CHANGED', `${earlier.imageName} has other bytes now; order a new flash`);
      }
      const fresh = newJob(order, sources, earlier.seed, now);
      const { verify, targetHint, provisioningMode, workflowName, workflowDigest } = earlier;
      const same = { verify, targetHint, provisioningMode, workflowName, workflowDigest };
      return { ...fresh, ...same, requestedBy: actor.name, retryOf: earlier.id };
    });
  }

  /** Tells the agent of the machine, if one is there, that it has a job. */
  announce(job: FlashJobEntity, actor: Actor): void {
    this.log.log(`${job.kind} job ${job.id} of ${job.mac} with ${job.imageName} was ordered by ${actor.name}`);
    this.agents.notify(job.mac);
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
    const job = await this.changes.insert(mac, actor, async (manager) => {
      const order = { kind: 'flash', mac, texts: NO_SEED_TEXTS } as const;
      const sources = await this.sources.claimIn(manager, order, name, key);
      const { problems, seed } = planOf(order, sources);
      problem = unflashable(name, sources.image) ?? unprovisionable(problems);
      return newJob(order, sources, seed, now);
    });
    this.log.log(`flash job ${job.id} of ${mac} with ${name} was made by its boot policy`);
    const failure = problem;
    if (failure === undefined) return job;
    return this.changes.change(job.id, actor, now, () => failWith(failure));
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
