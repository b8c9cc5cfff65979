import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** A third of the share of a thread that serves requests, when both want the same core. */
const NICENESS = 5;

/**
 * Lowers the priority of the calling thread alone (on Linux each thread has its own), so that an image that is being
 * prepared does not slow down requests. It cannot be raised again.
 */
export function inBackground(): void {
  // like 4711/task/4712
  const threadId = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  setPriority(threadId, NICENESS);
}
