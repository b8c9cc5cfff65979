import { BtyError } from '@bty/wire-types';
import type { HttpHead } from './http-head.js';

/** What was asked for: a part of a file whose length is known, and its strong ETag when it has one. */
export interface AskedRange {
  /** Names the file in messages. */
  what: string;
  startBytes: number;
  lengthBytes: number;
  sizeBytes: number;
  etag: string | undefined;
}

function refusal(status: number, { what, startBytes, sizeBytes }: AskedRange): BtyError {
  const details = { status, offset_bytes: startBytes };
  if (status === 412)
    return new BtyError('IMAGE_CHANGED', `${what} is no longer the one that was asked for`, { details });
  if (status === 416) {
    const message = `${what} ends before byte ${startBytes}, it should have ${sizeBytes} bytes`;
    return new BtyError('IMAGE_TRUNCATED', message, { details });
  }
  if (status === 401 || status === 403) {
    return new BtyError('UNAUTHENTICATED', `the server does not let this agent read ${what} (${status})`, { details });
  }
  return new BtyError('IMAGE_UNAVAILABLE', `the server answered ${status} for ${what}`, { details });
}

function otherRange(asked: AskedRange, contentRange: string | undefined): BtyError {
  return new BtyError('IMAGE_UNAVAILABLE', `the server sent another range of ${asked.what} than asked for`, {
    details: { content_range: contentRange ?? null, offset_bytes: asked.startBytes },
  });
}

/** A Content-Range that is not the one asked for would put right bytes in the wrong place. */
function checkPartial(headers: HttpHead['headers'], asked: AskedRange): BtyError | undefined {
  const contentRange = headers.get('content-range');
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange ?? '');
  const end = asked.startBytes + asked.lengthBytes - 1;
  if (match === null || Number(match[1]) !== asked.startBytes || Number(match[2]) !== end) {
    return otherRange(asked, contentRange);
  }
  if (match[3] === '*' || Number(match[3]) === asked.sizeBytes) return undefined;
  const actual = Number(match[3]);
  const code = actual < asked.sizeBytes ? 'IMAGE_TRUNCATED' : 'IMAGE_TOO_LONG';
  return new BtyError(code, `${asked.what} has ${actual} bytes, it should have ${asked.sizeBytes}`, {
    details: { size_bytes: asked.sizeBytes, actual_bytes: actual },
  });
}

/** Whether somebody was refused because the server sends whole files only. */
export function servesNoRanges(error: unknown): boolean {
  return error instanceof BtyError && error.code === 'IMAGE_UNAVAILABLE' && error.details.status === 200;
}

/**
 * Judges the head of an answer: `take` when its body is exactly what was asked for, `later` when it says nothing about the
 * file, else the error to fail with.
 */
export function judgeRangeAnswer({ status, headers }: HttpHead, asked: AskedRange): 'take' | 'later' | BtyError {
  if (status >= 500 || status === 408 || status === 425 || status === 429) return 'later';
  if (status !== 206) {
    if (status !== 200) return refusal(status, asked);
    const details = { status, offset_bytes: asked.startBytes };
    return new BtyError('IMAGE_UNAVAILABLE', `the server does not serve ranges of ${asked.what}`, { details });
  }
  const etag = headers.get('etag');
  if (etag !== undefined && asked.etag !== undefined && etag !== asked.etag) return refusal(412, asked);
  const problem = checkPartial(headers, asked);
  if (problem !== undefined) return problem;
  // Without its length a body that was cut looks like one that ended; so does one in chunks that a cache cut.
  return headers.get('content-length') === String(asked.lengthBytes) ? 'take' : otherRange(asked, 'no length');
}
