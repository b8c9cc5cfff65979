import type { MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { AfterFlash, type ChangeTransaction, type FlashJobEntity } from '../flash-jobs/index.js';
import type { Actor } from '../http/index.js';
import { MachinesRepository } from '../machines/index.js';
import { WorkflowCatalog } from '../workflows/index.js';
import { newRun, type RunSubject } from './new-run.js';
import type { RunEntity } from './run.entity.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { RunCreate } from './run-create.service.js';

/** Queues the run of a machine that was flashed: once for each start of the live env, however often that is said. */
@Injectable()
export class RunAfterFlash extends AfterFlash {
  private readonly log = new Logger('Runs');

  constructor(
    private readonly machines: MachinesRepository,
    private readonly workflows: WorkflowCatalog,
    private readonly changes: RunChangesRepository,
    private readonly creation: RunCreate,
  ) {
    super();
  }

  override async succeededIn(
    manager: ChangeTransaction,
    job: FlashJobEntity,
    actor: Actor,
    now: Date,
  ): Promise<(() => void) | undefined> {
    const { mac, workflowName, workflowDigest, id: flashJobId, imageName, imageSha256 } = job;
    const due = await this.machines.takeRunDueIn(manager, mac);
    if (!due || job.provisioningMode !== 'cijoe-online' || workflowName === null || workflowDigest === null)
      return undefined;
    const subject = { mac, kind: 'online', workflowName, workflowDigest, flashJobId, imageName, imageSha256 } as const;
    const run = await this.queueIn(manager, { ...subject, requestedBy: actor.name }, actor, now);
    return () => this.creation.announce(run);
  }

  /** The completion signal of a script, which tells nothing but that the machine was flashed. */
  async done(mac: MacAddress, actor: Actor, now: Date): Promise<void> {
    const machine = await this.machines.find(mac);
    if (machine?.provisioningMode !== 'cijoe-online' || machine.cijoeWorkflowRef === null) return;
    const found = await this.workflows.resolve(machine.cijoeWorkflowRef);
    if ('problem' in found) {
      this.log.warn(`no run for ${mac}, which was flashed: ${found.problem}`);
      return;
    }
    const { name: workflowName, digest: workflowDigest } = found.version;
    const flash = { flashJobId: null, imageName: machine.image, imageSha256: null };
    const subject = { mac, kind: 'online', workflowName, workflowDigest, ...flash, requestedBy: actor.name } as const;
    const run = await this.changes.within(async (manager) => {
      const due = await this.machines.takeRunDueIn(manager, mac);
      return due ? this.queueIn(manager, subject, actor, now) : undefined;
    });
    if (run !== undefined) this.creation.announce(run);
  }

  private async queueIn(manager: ChangeTransaction, subject: RunSubject, actor: Actor, now: Date): Promise<RunEntity> {
    await this.changes.supersedeIn(manager, subject.mac, 'the machine has been flashed again', actor, now);
    return this.changes.insertIn(manager, newRun(subject, now), actor);
  }
}
