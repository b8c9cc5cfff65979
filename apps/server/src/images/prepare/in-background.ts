import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

const NICENESS = 10;

/**
 * Lowers the priority of the calling thread alone (on Linux each thread has its own), so that an image that is being
 * prepared does not slow down requests. It cannot be raised again.
 */
export function inBackground(): void {
  // like 4711/task/4712
  const threadId = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  setPriority(threadId, NICENESS);
}
