import { randomUUID } from 'node:crypto';
import type { RunEntity, RunKind } from './run.entity.js';

/** What a new run is about. */
export interface RunSubject {
  readonly mac: string;
  readonly kind: RunKind;
  readonly workflowName: string;
  readonly workflowDigest: string;
  readonly flashJobId: string | null;
  readonly imageName: string | null;
  readonly imageSha256: string | null;
  readonly requestedBy: string;
}

/** A run that waits for a worker. */
export function newRun(subject: RunSubject, now: Date): RunEntity {
  return {
    ...subject,
    id: randomUUID(),
    state: 'queued',
    version: 0,
    workerId: null,
    heartbeatAt: null,
    address: null,
    history: [{ at: now.toISOString(), state: 'queued' }],
    error: null,
    report: null,
    baseline: null,
    createdAt: now,
    startedAt: null,
    finishedAt: null,
  };
}
