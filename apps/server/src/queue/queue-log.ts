import { Logger } from '@nestjs/common';

const REPEAT_AFTER_MS = 60_000;
const MAX_REMEMBERED = 50;

const saidAt = new Map<string, number>();

/**
 * Says in one line what is wrong with the queue. BullMQ goes on trying, on several connections at once, and reports every
 * attempt: the same line is said once a minute.
 */
export function warnOfQueue(error: Error): void {
  const now = Date.now();
  if (now - (saidAt.get(error.message) ?? Number.NEGATIVE_INFINITY) < REPEAT_AFTER_MS) return;
  if (saidAt.size >= MAX_REMEMBERED) saidAt.clear();
  saidAt.set(error.message, now);
  new Logger('Queue').warn(error.message);
}

/** Says that the queue is reachable again; the next trouble is new. */
export function noteQueueIsBack(): void {
  saidAt.clear();
  new Logger('Queue').log('Redis is reachable again');
}
