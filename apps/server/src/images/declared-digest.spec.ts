import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { declaredDigest } from './declared-digest.js';

const hash = createHash('sha256').update('image').digest();
const HEX = hash.toString('hex');
const HEADER = `sha-256=:${hash.toString('base64')}:`;

describe('declaredDigest', () => {
  it.each([
    [undefined, undefined, {}],
    [HEADER, undefined, { sha256: HEX }],
    [undefined, HEX.toUpperCase(), { sha256: HEX }],
    [`sha-512=:AAAA:, ${HEADER}`, HEX, { sha256: HEX }],
    ['sha-512=:AAAA:', undefined, {}],
  ])('reads header %s and query %s', (header, query, declared) => {
    expect(declaredDigest(header, query)).toEqual(declared);
  });

  it.each([
    ['sha-256=abc', undefined, 'Content-Digest: must be like sha-256=:<base64 of 32 bytes>:'],
    [undefined, 'abc', 'sha256: must be 64 hexadecimal digits'],
    [HEADER, '0'.repeat(64), 'sha256: differs from Content-Digest'],
  ])('refuses header %s with query %s', (header, query, problem) => {
    expect(declaredDigest(header, query)).toEqual({ problem });
  });
});
