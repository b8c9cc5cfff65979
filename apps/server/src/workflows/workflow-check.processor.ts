import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { WORKER, WORKFLOW_CHECK, warnOfQueue } from '../queue/index.js';
import { readCheckOrder } from './workflow-check.queue.js';
import { WorkflowCheck } from './workflow-check.service.js';
import { WorkflowsRepository } from './workflows.repository.js';

const WORKER_ACTOR = { name: 'worker' } as const;

/** Has cijoe look at workflows that were put. Runs in the worker: a workflow is code even while it is checked. */
@Processor(WORKFLOW_CHECK, WORKER)
export class WorkflowCheckProcessor extends WorkerHost {
  private readonly log = new Logger('Workflows');

  constructor(
    private readonly workflows: WorkflowsRepository,
    private readonly check: WorkflowCheck,
  ) {
    super();
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    warnOfQueue(error);
  }

  @OnWorkerEvent('failed')
  onFailed(_order: unknown, error: Error): void {
    this.log.error(error);
  }

  override async process(order: Job): Promise<void> {
    const key = readCheckOrder(order.data);
    if (key === undefined) {
      this.log.warn(`dropped an order of ${WORKFLOW_CHECK} that is none: ${order.id}`);
      return;
    }
    const version = await this.workflows.find(key);
    if (version?.state !== 'checking') return;
    const problem = await this.check.problemOf(version);
    await this.workflows.checked(version, problem, WORKER_ACTOR);
    const result = problem === undefined ? 'ready' : `refused: ${problem}`;
    this.log.log(`workflow ${version.name}@${version.digest} is ${result}`);
  }
}
