import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { FlashJobsRepository } from '../flash-jobs/index.js';
import { type Actor, invalidFields } from '../http/index.js';
import { MachinesRepository, noSuchMachine } from '../machines/index.js';
import { WorkflowCatalog } from '../workflows/index.js';
import { newRun, type RunSubject } from './new-run.js';
import type { RunEntity } from './run.entity.js';
import { RunQueue } from './run.queue.js';
import { RunChangesRepository } from './run-changes.repository.js';

/** Makes runs that operators ask for. */
@Injectable()
export class RunCreate {
  private readonly log = new Logger('Runs');

  constructor(
    private readonly machines: MachinesRepository,
    private readonly workflows: WorkflowCatalog,
    private readonly flashJobs: FlashJobsRepository,
    private readonly changes: RunChangesRepository,
    private readonly queue: RunQueue,
  ) {}

  /**
   * Makes a run against the system that is on the machine's disk now. Throws NOT_FOUND (machine), INVALID_REQUEST
   * (workflow), JOB_ACTIVE, RUN_ACTIVE.
   */
  async byRequest(mac: MacAddress, ref: string | undefined, actor: Actor, now: Date): Promise<RunEntity> {
    const machine = await this.machines.find(mac);
    if (machine === undefined) throw noSuchMachine(mac);
    const subject = { ...(await this.subjectOf(mac, ref ?? machine.cijoeWorkflowRef)), requestedBy: actor.name };
    const flash = await this.flashJobs.activeOf(mac);
    if (flash !== undefined) {
      throw new BtyError('JOB_ACTIVE', `flash job ${flash.id} of ${mac} is active`, { details: { job_id: flash.id } });
    }
    const run = await this.changes.insert(newRun(subject, now), actor);
    this.announce(run);
    return run;
  }

  /** Wakes a worker for a run that has been stored. */
  announce(run: RunEntity): void {
    this.log.log(`run ${run.id} of ${run.mac} with ${run.workflowName} was ordered by ${run.requestedBy}`);
    this.queue.order(run.id);
  }

  private async subjectOf(mac: MacAddress, ref: string | null): Promise<Omit<RunSubject, 'requestedBy'>> {
    const missing = { problem: `the record of ${mac} names no workflow` };
    const found = ref === null ? missing : await this.workflows.resolve(ref);
    if ('problem' in found) throw invalidFields([{ field: 'cijoe_workflow_ref', problem: found.problem }]);
    const { name: workflowName, digest: workflowDigest } = found.version;
    const flash = await this.flashJobs.lastSucceededOf(mac);
    const { id: flashJobId = null, imageName = null, imageSha256 = null } = flash ?? {};
    return { mac, kind: 'online', workflowName, workflowDigest, flashJobId, imageName, imageSha256 };
  }
}
