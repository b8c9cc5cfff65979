import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { EventTail } from '../events/index.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { isActive } from './job-state.js';

const ENDINGS = new Set(['flash-job.succeeded', 'flash-job.failed', 'flash-job.cancelled']);

/** Waits for the end of flash jobs, without asking for it again and again. */
@Injectable()
export class FlashJobWaits implements BeforeApplicationShutdown {
  private readonly stop = new AbortController();

  constructor(
    private readonly tail: EventTail,
    private readonly jobs: FlashJobsRepository,
  ) {}

  beforeApplicationShutdown(): void {
    this.stop.abort();
  }

  /** Resolves when all these jobs have ended, or after `seconds`, or when the signal says that nobody waits any more. */
  async forEnd(ids: readonly string[], seconds: number, gone: AbortSignal): Promise<void> {
    const over = AbortSignal.any([AbortSignal.timeout(seconds * 1000), gone, this.stop.signal]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = new Set<string>();
    const left = () => ids.filter((id) => !ended.has(id));
    const follower = await this.tail.follow((events) => {
      for (const { action, subject } of events) if (ENDINGS.has(action)) ended.add(subject.slice('flash-job/'.length));
      if (left().length === 0) resolve();
    });
    over.addEventListener('abort', () => resolve(), { once: true });
    try {
      // What ended before is not told any more.
      for (const job of await this.jobs.findAll(ids)) if (!isActive(job.state)) ended.add(job.id);
      if (left().length > 0 && !over.aborted) await promise;
    } finally {
      follower.stop();
    }
  }
}
