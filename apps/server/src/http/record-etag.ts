import { createHash } from 'node:crypto';
import { BtyError } from '@bty/wire-types';
import type { Request, Response } from 'express';
import { readerHasIt } from './conditions.js';

const ETAG = /^"([^"~]+)~[\w-]+"$/;

/**
 * The ETag of a record: the revision of what callers set, and a digest of all that is shown, which also changes by itself. A
 * reader compares the whole; a change needs the same revision only.
 */
export function recordEtag(revision: string, shown: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(shown)).digest('base64url').slice(0, 22);
  return `"${revision}~${digest}"`;
}

/** What a request wants of the revision of a record before it changes it. */
export type RevisionCheck = (revision: string | undefined) => void;

/** The check that `If-Match` and `If-None-Match` mean; it throws PRECONDITION_FAILED. An undefined revision: no record. */
export function revisionCheck(request: Request): RevisionCheck {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
  return (revision) => {
    if (ifMatch !== undefined && !names(ifMatch, revision)) {
      throw new BtyError('PRECONDITION_FAILED', 'the record is not the one of If-Match any more: look again');
    }
    if (ifNoneMatch !== undefined && names(ifNoneMatch, revision)) {
      throw new BtyError('PRECONDITION_FAILED', 'there is such a record: If-None-Match does not hold');
    }
  };
}

function names(header: string, revision: string | undefined): boolean {
  if (revision === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((entry) => ETAG.exec(entry.trim())?.[1] === revision);
}

/** Answers with a record and its ETag: 304 for a reader that has it. */
export function sendRecord(request: Request, response: Response, revision: string, shown: unknown): void {
  const etag = recordEtag(revision, shown);
  response.setHeader('ETag', etag);
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (reads && readerHasIt(request.headers['if-none-match'], etag)) response.status(304).end();
  else response.json(shown);
}
