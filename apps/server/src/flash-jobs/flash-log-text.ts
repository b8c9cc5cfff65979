import { setTimeout as sleep } from 'node:timers/promises';
import type { FlashLogEntity } from './flash-log.entity.js';
import type { LogPlace } from './flash-logs.repository.js';

const POLL_MS = 300;

/** What reading a job's log needs to know. */
export interface JobLog {
  after(last: LogPlace): Promise<FlashLogEntity[]>;
  /** Whether nothing will be added any more. Asked before the last look, so that nothing is missed. */
  isOver(): Promise<boolean>;
}

/** Yields the text of all attempts, each under a line that names it, until the job is over or `signal` is aborted. */
export async function* logText(log: JobLog, signal: AbortSignal): AsyncGenerator<string> {
  let last: LogPlace = { epoch: 0, part: -1 };
  while (!signal.aborted) {
    const over = await log.isOver();
    for (const { epoch, part, text } of await log.after(last)) {
      if (epoch !== last.epoch) yield `${last.epoch === 0 ? '' : '\n'}== attempt ${epoch} ==\n`;
      yield text;
      last = { epoch, part };
    }
    if (over) {
      if (last.epoch > 0) yield '\n';
      return;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}
