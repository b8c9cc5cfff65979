import { setTimeout as sleep } from 'node:timers/promises';
import { type ArchiveFile, writeArchive } from '@bty/archive';
import { BtyError } from '@bty/wire-types';
import { fullJitterMs } from '../backoff.js';
import { ask } from '../http-ask.js';
import { type AskPorts, requestProblem } from './fetch-whole.js';

const STALL_MS = 30_000;

async function attempt(url: string, body: Buffer, ports: AskPorts, signal: AbortSignal): Promise<number> {
  const authorization = ports.authorization?.();
  const headers = {
    'content-type': 'application/x-tar',
    'content-length': body.length,
    ...(authorization === undefined ? {} : { authorization }),
  };
  const options = { method: 'PUT', stallMs: ports.stallMs ?? STALL_MS, signal, agent: false as const, headers, body };
  const response = await ask(url, options);
  response.on('error', () => undefined).destroy();
  return response.statusCode ?? 0;
}

/**
 * Stores a report on the server, which is asked again and again while it is away. Throws STALE_EPOCH when the job is
 * another's by now, PROVISIONING_FAILED when the server does not take it, or the signal's reason.
 */
export async function uploadReport(
  url: string,
  files: readonly ArchiveFile[],
  ports: AskPorts,
  signal: AbortSignal,
): Promise<void> {
  const { bytes } = writeArchive(files);
  for (let failures = 0; ; failures += 1) {
    let problem: string;
    try {
      const status = await attempt(url, bytes, ports, signal);
      if (status === 204) return;
      if (status === 404 || status === 409) {
        throw new BtyError('STALE_EPOCH', `the server has given the job to another (${status})`);
      }
      if (status < 500 && status !== 408 && status !== 429) {
        throw new BtyError('PROVISIONING_FAILED', `the server does not take the workflow's report (${status})`);
      }
      problem = `the server answered ${status}`;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BtyError) throw error;
      problem = requestProblem(error);
    }
    ports.onRetry(`the workflow's report was not stored: ${problem}; trying again`);
    const { baseMs, capMs } = ports.backoff ?? {};
    await sleep(fullJitterMs(failures, Math.random(), baseMs, capMs), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}
