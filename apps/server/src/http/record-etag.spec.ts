import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { recordEtag, revisionCheck } from './record-etag.js';

const ETAG = recordEtag('c.7', { mac: 'x' });

function check(headers: Record<string, string>, revision: string | undefined): string {
  try {
    revisionCheck({ headers } as unknown as Request)(revision);
    return 'holds';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('revisionCheck', () => {
  it.each([
    [{}, undefined],
    [{}, 'c.7'],
    [{ 'if-match': ETAG }, 'c.7'],
    [{ 'if-match': recordEtag('c.7', { other: 'content' }) }, 'c.7'],
    [{ 'if-match': `"x~y", ${ETAG}` }, 'c.7'],
    [{ 'if-match': '*' }, 'c.7'],
    [{ 'if-none-match': '*' }, undefined],
    [{ 'if-none-match': ETAG }, 'c.8'],
  ])('of %j holds for the revision %s', (headers, revision) => {
    expect(check(headers as Record<string, string>, revision)).toBe('holds');
  });

  it.each([
    [{ 'if-match': ETAG }, 'c.8'],
    [{ 'if-match': ETAG }, undefined],
    [{ 'if-match': '*' }, undefined],
    [{ 'if-match': 'c.7' }, 'c.7'],
    [{ 'if-match': '"c.7"' }, 'c.7'],
    [{ 'if-match': `W/${ETAG}` }, 'c.7'],
    [{ 'if-none-match': '*' }, 'c.7'],
    [{ 'if-none-match': ETAG }, 'c.7'],
  ])('of %j does not hold for the revision %s', (headers, revision) => {
    expect(check(headers as Record<string, string>, revision)).toBe('PRECONDITION_FAILED');
  });
});
