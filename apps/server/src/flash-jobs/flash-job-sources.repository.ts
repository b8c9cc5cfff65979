import type { MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { invalidFields } from '../http/index.js';
import { type ImageEntity, ImagesRepository } from '../images/index.js';
import { type MachineEntity, MachinesRepository, noSuchMachine } from '../machines/index.js';
import { InstallationKeyRepository } from '../provisioning/index.js';
import { WorkflowCatalog } from '../workflows/index.js';
import type { JobOrder } from './job-order.js';

/** What a new job is made of. `image` is undefined when the catalogue has none of that name. */
export interface JobSources {
  readonly machine: MachineEntity;
  readonly imageName: string;
  readonly image: ImageEntity | undefined;
  readonly sshPublicKey: string;
  /** What the order or else the record names; `problem` when that is nothing which can be run. */
  readonly workflow: Awaited<ReturnType<WorkflowCatalog['resolve']>> | undefined;
}

/** The machines, images and keys that new jobs draw on. */
@Injectable()
export class FlashJobSourcesRepository {
  constructor(
    private readonly machines: MachinesRepository,
    private readonly images: ImagesRepository,
    private readonly keys: InstallationKeyRepository,
    private readonly workflows: WorkflowCatalog,
  ) {}

  sshPublicKey(): Promise<string> {
    return this.keys.publicKey();
  }

  /** Name of the image that a policy flash of the machine is to use; undefined when there is none, or not yet. */
  async policyImage(mac: MacAddress): Promise<string | undefined> {
    const name = (await this.machines.find(mac))?.image ?? undefined;
    const image = name === undefined ? undefined : await this.images.find(name);
    return image?.state === 'preparing' ? undefined : name;
  }

  /**
   * Locks machine and image against removal for the rest of the transaction of `manager`. Without `imageName` the record
   * names the image. Throws NOT_FOUND for the machine, INVALID_REQUEST when no image is named.
   */
  async claimIn(
    manager: EntityManager,
    { mac, pool, cijoeWorkflowRef }: JobOrder,
    imageName: string | undefined,
    sshPublicKey: string,
  ): Promise<JobSources> {
    const machine = await this.machines.claimForJobIn(manager, mac);
    const isForeign = pool !== undefined && machine?.tags.includes(pool) === false;
    if (machine === undefined || isForeign) throw noSuchMachine(mac);
    const name = imageName ?? machine.image;
    if (name === null) throw invalidFields([{ field: 'image', problem: `the record of ${mac} names no image` }]);
    const ref = cijoeWorkflowRef ?? machine.cijoeWorkflowRef;
    const workflow = ref === null ? undefined : await this.workflows.resolve(ref, manager);
    return { machine, imageName: name, image: await this.images.claimIn(manager, name), sshPublicKey, workflow };
  }
}
