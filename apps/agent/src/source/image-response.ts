import type { IncomingHttpHeaders } from 'node:http';
import { BtyError } from '@bty/wire-types';

/** The answer says nothing about the image: ask again later. */
export const RETRY = Symbol('retry');

/** What was asked for: a range of an image whose length and digest are known. */
export interface AskedRange {
  startBytes: number;
  endBytes: number;
  sizeBytes: number;
  sha256: string;
}

function wrongLength(asked: AskedRange, actual: number): BtyError {
  const details = { size_bytes: asked.sizeBytes, actual_bytes: actual };
  return actual < asked.sizeBytes
    ? new BtyError('IMAGE_TRUNCATED', `the image has ${actual} bytes, the job says ${asked.sizeBytes}`, { details })
    : new BtyError('IMAGE_TOO_LONG', `the image has ${actual} bytes, the job says ${asked.sizeBytes}`, { details });
}

function refusal(status: number, asked: AskedRange): BtyError {
  const details = { status, offset_bytes: asked.startBytes };
  if (status === 412) {
    return new BtyError('IMAGE_CHANGED', 'the image on the server is no longer the one that the job names', {
      details,
    });
  }
  if (status === 416) {
    const message = `the image ends before byte ${asked.startBytes}, the job says ${asked.sizeBytes} bytes`;
    return new BtyError('IMAGE_TRUNCATED', message, { details });
  }
  if (status === 401 || status === 403) {
    return new BtyError('UNAUTHENTICATED', `the server does not let this agent read the image (${status})`, {
      details,
    });
  }
  return new BtyError('IMAGE_UNAVAILABLE', `the server answered ${status} for the image`, { details });
}

/** A Content-Range that is not the one asked for would put right bytes in the wrong place. */
function checkPartial(headers: IncomingHttpHeaders, asked: AskedRange): BtyError | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  if (match === null || Number(match[1]) !== asked.startBytes) {
    return new BtyError('IMAGE_UNAVAILABLE', `the server sent another range than asked for`, {
      details: { content_range: headers['content-range'] ?? null, offset_bytes: asked.startBytes },
    });
  }
  return match[3] !== '*' && Number(match[3]) !== asked.sizeBytes ? wrongLength(asked, Number(match[3])) : undefined;
}

function checkWhole(headers: IncomingHttpHeaders, asked: AskedRange): BtyError | undefined {
  if (asked.startBytes !== 0 || asked.endBytes !== asked.sizeBytes) {
    return new BtyError('IMAGE_UNAVAILABLE', 'the server does not serve ranges, so nothing can be resumed');
  }
  const length = headers['content-length'];
  return length !== undefined && Number(length) !== asked.sizeBytes ? wrongLength(asked, Number(length)) : undefined;
}

/** Judges the head of an answer: undefined when the body may be taken, an error to fail with, or `RETRY`. */
export function checkImageResponse(
  status: number,
  headers: IncomingHttpHeaders,
  asked: AskedRange,
): BtyError | typeof RETRY | undefined {
  if (status >= 500 || status === 408 || status === 429) return RETRY;
  if (status !== 200 && status !== 206) return refusal(status, asked);
  if (headers.etag !== undefined && headers.etag !== `"${asked.sha256}"`) return refusal(412, asked);
  return status === 206 ? checkPartial(headers, asked) : checkWhole(headers, asked);
}
