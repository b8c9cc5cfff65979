import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Bell, WORKFLOW_CHECK } from '../queue/index.js';
import { parseWorkflowRef } from './workflow-ref.js';
import type { VersionKey } from './workflows.repository.js';

/** Reads what the queue carries; undefined for what this server cannot have put there. */
export function readCheckOrder(data: unknown): VersionKey | undefined {
  const { name, digest } = (data ?? {}) as { name?: unknown; digest?: unknown };
  if (typeof name !== 'string' || typeof digest !== 'string') return undefined;
  return parseWorkflowRef(`${name}@${digest}`) === undefined ? undefined : { name, digest };
}

/** Orders a look of cijoe at a version. */
@Injectable()
export class WorkflowCheckQueue {
  private readonly bell: Bell<VersionKey>;

  constructor(@InjectQueue(WORKFLOW_CHECK) queue: Queue) {
    this.bell = new Bell(queue);
  }

  /** Orders it once: while an order for the version waits or is carried out, another is the same. */
  order({ name, digest }: VersionKey): void {
    this.bell.ring(`check-${name}-${digest}`, { name, digest });
  }
}
