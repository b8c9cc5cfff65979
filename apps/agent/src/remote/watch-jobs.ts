import { setTimeout as sleep } from 'node:timers/promises';
import type { BtyApi, components } from '@bty/api-client';
import { BtyError } from '@bty/wire-types';
import { humanBytes, humanSeconds } from '../screen/render.js';
import { answered } from './api.js';

export type FlashJob = components['schemas']['FlashJobDto'];

const PAUSE_MS = 1000;
/** So long a server may be away, for an upgrade or a restart, before waiting for it is given up. */
const AWAY_MS = 300_000;

/** Whether a job will not change any more. */
const isOver = ({ state }: FlashJob): boolean => ['succeeded', 'failed', 'cancelled'].includes(state);

/** Whether the disk was flashed and found right: what a pipeline may build on. */
export const isProved = ({ state, result }: FlashJob): boolean =>
  state === 'succeeded' && result !== null && result.verify !== 'off';

/** Where a job is, for a person. */
export function jobLine(job: FlashJob): string {
  const { mac, image, state, stage, progress, error, result } = job;
  const what = `${mac}  ${image.name}  ${state === 'running' ? (stage ?? state) : state}`;
  if (error !== null) return `${what}  ${error.code}: ${error.message.split('\n', 1)[0]}`;
  if (result !== null) return `${what}  verify ${result.verify}, took ${humanSeconds(result.duration_ms / 1000)}`;
  if (progress === null || progress.bytes_total === null || progress.bytes_total === 0) return what;
  const percent = Math.floor((progress.bytes_done / progress.bytes_total) * 100);
  return `${what}  ${percent} % of ${humanBytes(progress.bytes_total)}`;
}

/**
 * Waits until every job is over, through restarts of the server, and tells of every change. Throws `UNAVAILABLE` when the
 * server is away for long, and the signal's reason.
 */
export async function waitForJobs(
  api: BtyApi,
  server: string,
  jobs: readonly FlashJob[],
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<FlashJob[]> {
  const now = new Map(jobs.map((job) => [job.id, job]));
  let answeredMs = performance.now();
  while (![...now.values()].every(isOver)) {
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    for (const job of [...now.values()].filter((one) => !isOver(one))) {
      try {
        const found = await answered(server, api.GET('/flash-jobs/{id}', { params: { path: { id: job.id } }, signal }));
        answeredMs = performance.now();
        if (jobLine(found) !== jobLine(job)) tell(jobLine(found));
        now.set(job.id, found);
      } catch (error) {
        signal.throwIfAborted();
        const passes = error instanceof BtyError && error.retryable && performance.now() - answeredMs < AWAY_MS;
        if (!passes) throw error;
      }
    }
  }
  return [...now.values()];
}
