import { setTimeout as sleep } from 'node:timers/promises';
import type { BtyApi, components } from '@bty/api-client';
import { BtyError } from '@bty/wire-types';
import { humanBytes, humanSeconds } from '../screen/render.js';
import { answered } from './api.js';

export type FlashJob = components['schemas']['FlashJobDto'];

/** So long the server holds an answer back at most: a person wants to see how far it is, and a proxy cuts what is silent. */
const WAIT_SECONDS = 10;
/** Between two questions at least: a server that ends, or is away, answers at once. */
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

/** Whom waiting asks and tells. */
interface Watch {
  api: BtyApi;
  server: string;
  tell(line: string): void;
  signal: AbortSignal;
}

/** Where a job is when it is over, or after a while; undefined when the server does not say it now. */
async function lookAt({ id }: FlashJob, { api, server, signal }: Watch): Promise<FlashJob | undefined> {
  const asking = { params: { path: { id }, query: { wait: WAIT_SECONDS } }, signal };
  return answered(server, api.GET('/flash-jobs/{id}', asking)).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof BtyError && error.retryable) return undefined;
    throw error;
  });
}

async function waitForJob(first: FlashJob, watch: Watch): Promise<FlashJob> {
  let job = first;
  let answeredMs = performance.now();
  while (!isOver(job)) {
    const askedMs = performance.now();
    const found = await lookAt(job, watch);
    if (found !== undefined) {
      answeredMs = performance.now();
      if (jobLine(found) !== jobLine(job)) watch.tell(jobLine(found));
      job = found;
    } else if (performance.now() - answeredMs > AWAY_MS) {
      throw new BtyError('UNAVAILABLE', `${watch.server} has not answered for ${humanSeconds(AWAY_MS / 1000)}`);
    }
    const pauseMs = isOver(job) ? 0 : askedMs + PAUSE_MS - performance.now();
    await sleep(Math.max(0, pauseMs), undefined, { signal: watch.signal }).catch(() => watch.signal.throwIfAborted());
  }
  return job;
}

/**
 * Waits until every job is over, through restarts of the server, and tells how far each is, now and then and at its end.
 * Throws `UNAVAILABLE` when the server is away for long, and the signal's reason.
 */
export async function waitForJobs(jobs: readonly FlashJob[], watch: Watch): Promise<FlashJob[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([watch.signal, failed.signal]);
  const waiting = jobs.map((job) => waitForJob(job, { ...watch, signal }));
  try {
    return await Promise.all(waiting);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(waiting);
    throw error;
  }
}
