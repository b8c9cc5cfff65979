import { Logger } from '@nestjs/common';

/** Derives what the catalogue says about an image that was put into the image root by hand. */
export const IMAGE_PREPARE = 'image-prepare';

/** Notices a flash job that makes no progress. */
export const FLASH_DEADLINE = 'flash-deadline';

/** Says in one line that the queue is not reachable; BullMQ goes on trying, and would print the whole error otherwise. */
export function warnOfQueue(error: Error): void {
  new Logger('Queue').warn(error.message);
}

/** Finished jobs are dropped: Postgres has the history, and a job id becomes usable again. */
export const FORGET = { removeOnComplete: true, removeOnFail: true } as const;

/** A worker that lost its connection asks again after two seconds: BullMQ's own fifteen would be felt after every outage. */
export const WORKER = { runRetryDelay: 2_000 } as const;
