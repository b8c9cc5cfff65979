import { BtyError } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from './exit-code.js';

describe('the exit code', () => {
  it.each([
    ['a wrong command line', new BtyError('INVALID_REQUEST', ''), 2],
    ['an image that is not there', new BtyError('NOT_FOUND', ''), 2],
    ['a disk that only root may open', new BtyError('DISK_IO', '', { details: { errno: 'EACCES' } }), 3],
    ['a tool that is not installed', new BtyError('INTERNAL', '', { details: { missing_tool: 'wipefs' } }), 4],
    ['a disk that was swapped', new BtyError('TARGET_CHANGED', ''), 5],
    ['a disk in use', new BtyError('TARGET_BUSY', ''), 1],
    ['a bad sector', new BtyError('DISK_IO', '', { details: { errno: 'EIO' } }), 1],
  ])('tells %s', (_name, error, code) => {
    expect(exitCodeOf(error, false)).toBe(code);
  });

  it('does not send root to become root', () => {
    const error = new BtyError('DISK_IO', '', { details: { errno: 'EACCES' } });
    expect(exitCodeOf(error, true)).toBe(1);
  });
});
