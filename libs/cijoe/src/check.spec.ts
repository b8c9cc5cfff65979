import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { checkConfig, checkProblem } from './check.js';

describe('checkConfig', () => {
  it('lays out for the check what a run’s templates see', () => {
    const text = checkConfig('[a]\nb = 1\n', { BTY_ROOTFS: '/mnt' });
    expect(parse(text)).toEqual({ a: { b: 1 }, config: { a: { b: 1 } }, local: { env: { BTY_ROOTFS: '/mnt' } } });
  });
});

describe('checkProblem', () => {
  it('gives what cijoe says, without where in cijoe it was said', () => {
    const said = 'ERROR:root:cli_integrity_check(): no steps\n\nERROR:root:log_errors(): and more\n';
    expect(checkProblem(said)).toBe('no steps\nand more');
    expect(checkProblem('')).toBe('cijoe gives no reason');
  });
});
