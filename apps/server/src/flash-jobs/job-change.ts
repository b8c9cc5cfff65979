import type { FlashStage } from '@bty/wire-types';
import type { FlashJobEntity, HistoryEntry, JobError } from './flash-job.entity.js';
import { type JobEvent, nextState } from './job-state.js';

/** A change of a job, decided from the job as it is. */
export interface JobChange {
  readonly event: JobEvent;
  readonly set?: Partial<FlashJobEntity> | undefined;
  /** For the history: why. */
  readonly reason?: JobError | undefined;
  /** For the history: the bytes that were done of the phase which ends with this. */
  readonly bytesDone?: number | undefined;
}

/** The columns that a change sets, or undefined when the job's state does not allow it. */
export function applyChange(
  job: FlashJobEntity,
  change: JobChange,
  now: Date,
): (Partial<FlashJobEntity> & { state: FlashJobEntity['state']; entry: HistoryEntry }) | undefined {
  const state = nextState(job.state, change.event);
  if (state === undefined) return undefined;
  const epoch = change.set?.epoch ?? job.epoch;
  const stage = change.event === 'stage' ? (change.set?.stage ?? undefined) : undefined;
  const { code, message } = change.reason ?? {};
  const { bytesDone } = change;
  const entry = { at: now.toISOString(), state, epoch, stage, code, message, bytesDone };
  const final = state === 'succeeded' || state === 'failed' || state === 'cancelled';
  return { ...change.set, state, ...(final ? { finishedAt: now } : {}), entry };
}

/** What of an image a job is handed out with. */
export type HandedImage = Pick<
  FlashJobEntity,
  'imageFormat' | 'imageSizeBytes' | 'contentSizeBytes' | 'contentSha256' | 'mapBlake3' | 'mapSizeBytes' | 'packBlake3'
>;

/** Who gets a job. */
export interface JobTaker {
  readonly sessionId: string;
  /** The server's address as the machine knows it. */
  readonly serverUrl: string;
}

/** An agent gets the job: a new epoch, and nothing of the earlier attempt counts any more. */
export function handOut(job: FlashJobEntity, taker: JobTaker, image: HandedImage, now: Date): JobChange {
  const { sessionId, serverUrl } = taker;
  const seed = job.seed === null ? null : { ...job.seed, bootedUrl: `${serverUrl}/pxe/${job.mac}/booted` };
  return {
    event: 'hand_out',
    set: {
      ...image,
      seed,
      epoch: job.epoch + 1,
      sessionId,
      stage: null,
      progress: null,
      commitGrantedAt: null,
      report: null,
      dispatchedAt: now,
      lastProgressAt: now,
      waitingSince: null,
      waitingSeenAt: null,
    },
  };
}

/** The agent has entered a phase; `bytesDone` is what was done of the one before. */
export function enterStage(stage: FlashStage, now: Date, bytesDone?: number): JobChange {
  return { event: 'stage', set: { stage, progress: null, lastProgressAt: now }, bytesDone };
}

/** The job ends without success. */
export function failWith(error: JobError): JobChange {
  return { event: 'fail', set: { error }, reason: error };
}

/** The attempt is over without an end; the job waits for another. */
export function giveBack(reason: JobError): JobChange {
  return { event: 'give_back', set: { commitGrantedAt: null, stage: null, progress: null }, reason };
}
