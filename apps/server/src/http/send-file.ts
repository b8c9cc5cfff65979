import type { FileHandle } from 'node:fs/promises';
import { BtyError } from '@bty/wire-types';
import type { Request, Response } from 'express';
import { parseByteRange } from './byte-range.js';
import { ifMatchHolds, rangeApplies, readerHasIt } from './conditions.js';
import { sendRange } from './send-range.js';

/** An open file and what its response says about it. */
export interface OpenFile {
  readonly handle: Pick<FileHandle, 'fd' | 'close'>;
  readonly sizeBytes: number;
  /** Where in the file that is, when it is a part of it. */
  readonly offsetBytes?: number | undefined;
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly modifiedAt: Date;
}

/** Answers GET or HEAD with the file: conditions, one range, never a byte beyond `sizeBytes`. Closes the handle. */
export async function sendFile(request: Request, response: Response, file: OpenFile): Promise<void> {
  try {
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('ETag', file.etag);
    response.setHeader('Last-Modified', file.modifiedAt.toUTCString());
    if (!ifMatchHolds(request.headers['if-match'], file.etag)) {
      throw new BtyError('PRECONDITION_FAILED', `the ETag is ${file.etag} now`);
    }
    if (readerHasIt(request.headers['if-none-match'], file.etag)) {
      response.status(304).end();
      return;
    }
    await sendBytes(request, response, file);
  } finally {
    await file.handle.close();
  }
}

async function sendBytes(request: Request, response: Response, file: OpenFile): Promise<void> {
  const { sizeBytes } = file;
  // Range is defined for GET only.
  const asked = request.method === 'GET' && rangeApplies(request.header('if-range'), file.etag);
  const range = parseByteRange(asked ? request.headers.range : undefined, sizeBytes);
  if (range.kind === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${sizeBytes}`);
    throw new BtyError('RANGE_NOT_SATISFIABLE', `there are ${sizeBytes} bytes`);
  }
  const { first, last } = range.kind === 'part' ? range : { first: 0, last: sizeBytes - 1 };
  response.status(range.kind === 'part' ? 206 : 200);
  if (range.kind === 'part') response.setHeader('Content-Range', `bytes ${first}-${last}/${sizeBytes}`);
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Content-Length', String(last - first + 1));
  const start = first + (file.offsetBytes ?? 0);
  if (request.method === 'HEAD' || last < first) response.end();
  else await sendRange(response, file.handle.fd, start, start + last - first);
}
