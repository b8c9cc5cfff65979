import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { TargetHint } from './target-hint.js';

function read(plain: Record<string, unknown>): { hint: TargetHint; problems: string[] } {
  const hint = plainToInstance(TargetHint, plain);
  return { hint, problems: validateSync(hint).flatMap((error) => Object.values(error.constraints ?? {})) };
}

describe('a target hint', () => {
  it('is read without the blanks that disks and people put around texts', () => {
    const { hint, problems } = read({ serial: '  S-1 \n', model: ' Fast Disk ' });
    expect([hint, problems]).toEqual([{ serial: 'S-1', model: 'Fast Disk' }, []]);
  });

  it.each([
    [{ serial: '   ' }, /serial must be longer/],
    [{ serial: 'a\nb' }, /serial must have printable/],
    [{ wwn: null }, /wwn must be a string/],
    [{ min_size_bytes: null }, /min_size_bytes must be an integer/],
    [{ allow_members: 'yes' }, /allow_members must be a boolean/],
    [{ min_size_bytes: 2, max_size_bytes: 1 }, /max_size_bytes must not be less than min_size_bytes/],
  ])('is refused that says %j', (plain, problem) => {
    expect(read(plain).problems.join()).toMatch(problem);
  });

  it('may give a range of one size', () => {
    expect(read({ min_size_bytes: 2, max_size_bytes: 2 }).problems).toEqual([]);
  });
});
