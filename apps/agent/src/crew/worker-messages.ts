import { BtyError, type ErrorCode, toBtyError } from '@bty/wire-types';
import type { OpenDevice } from '../engine/device-access.js';
import type { DigestFacts } from '../engine/digest-table.js';
import type { SegmentDone, SegmentTask } from '../engine/segment.js';
import type { RangedFile } from '../source/ranged-source.js';

/** A failure as it crosses threads; classes do not. */
export interface Failure {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
}

/** What a worker is given at its start: the disk, what it is to hold, and where data comes from, if it is to write. */
export interface WorkerSetup {
  device: OpenDevice;
  table: { kind: 'map'; bytes: Uint8Array } | { kind: 'digests'; facts: DigestFacts };
  pack?: RangedFile | undefined;
  /** Threads that share the memory for buffers. */
  threads: number;
}

export type ToWorker =
  | { type: 'task'; id: number; task: SegmentTask; authorization: string | undefined }
  | { type: 'mayWrite' }
  | { type: 'abort'; failure: Failure }
  | { type: 'end' };

export type FromWorker =
  | { type: 'done'; id: number; done: SegmentDone }
  | { type: 'failed'; id: number; failure: Failure }
  | { type: 'wantsToWrite' }
  | { type: 'retry'; reason: string };

export function failureOf(thrown: unknown): Failure {
  const { code, message, details } = toBtyError(thrown);
  return { code, message, details: { ...details } };
}

export function errorOf({ code, message, details }: Failure): BtyError {
  return new BtyError(code, message, { details });
}
