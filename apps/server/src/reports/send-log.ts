import { once } from 'node:events';
import type { Response } from 'express';
import { invalidFields } from '../http/index.js';
import { makeHarmless } from './send-report.js';

const PROBE_AFTER_MS = 30_000;

/** Whether `?follow` asks for what comes later, too. Throws `INVALID_FIELDS`. */
export function wantsFollow(follow: string | undefined): boolean {
  if (follow !== undefined && follow !== 'true' && follow !== 'false') {
    throw invalidFields([{ field: 'follow', problem: 'must be true or false' }]);
  }
  return follow === 'true';
}

/**
 * Sends a log as it comes. A step may be silent for longer than the server lets a connection be: who is gone shows by
 * the probes of TCP instead. `parts` gets a signal that is aborted when nobody reads any more.
 */
export async function sendLog(
  response: Response,
  parts: (gone: AbortSignal) => AsyncIterable<Buffer | string>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.socket?.setTimeout(0);
  response.socket?.setKeepAlive(true, PROBE_AFTER_MS);
  makeHarmless(response);
  response.setHeader('Cache-Control', 'no-store');
  response.type('text/plain; charset=utf-8');
  response.flushHeaders();
  for await (const part of parts(gone.signal)) {
    if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}
