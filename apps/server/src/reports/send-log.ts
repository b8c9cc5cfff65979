import { once } from 'node:events';
import type { Response } from 'express';
import { inSilence, invalidFields } from '../http/index.js';
import { makeHarmless } from './send-report.js';

/** Whether `?follow` asks for what comes later, too. Throws `INVALID_FIELDS`. */
export function wantsFollow(follow: string | undefined): boolean {
  if (follow !== undefined && follow !== 'true' && follow !== 'false') {
    throw invalidFields([{ field: 'follow', problem: 'must be true or false' }]);
  }
  return follow === 'true';
}

/** Sends a log as it comes. `parts` gets a signal that is aborted when nobody reads any more. */
export async function sendLog(
  response: Response,
  parts: (gone: AbortSignal) => AsyncIterable<Buffer | string>,
): Promise<void> {
  makeHarmless(response);
  response.setHeader('Cache-Control', 'no-store');
  response.type('text/plain; charset=utf-8');
  response.flushHeaders();
  await inSilence(response, async (gone) => {
    for await (const part of parts(gone)) {
      if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  });
  response.end();
}
