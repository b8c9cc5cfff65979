import { describe, expect, it } from 'vitest';
import { isDatabaseOutage, isUnstorableText } from './database-error.js';

const withCode = (code: string, more: object = {}) => Object.assign(new Error('x'), { code, ...more });
const wrapped = (driverError: Error) => Object.assign(new Error('query failed'), { driverError });

describe('isDatabaseOutage', () => {
  it.each([
    ['an admin shutdown', withCode('57P01')],
    ['a starting Postgres', withCode('57P03')],
    ['too many clients', withCode('53300')],
    ['a refused connection', withCode('ECONNREFUSED')],
    ['a socket that is gone', withCode('ENOENT', { syscall: 'connect' })],
    ['a cut connection', new Error('Connection terminated unexpectedly')],
    ['a pool that waits in vain', new Error('timeout exceeded when trying to connect')],
    ['a query without an answer', new Error('Query read timeout')],
    ['one of those inside an error of TypeORM', wrapped(withCode('57P01'))],
  ])('knows %s', (_name, error) => {
    expect(isDatabaseOutage(error)).toBe(true);
  });

  it.each([
    ['a violated constraint', wrapped(withCode('23505'))],
    ['a file that is not there', withCode('ENOENT', { syscall: 'open' })],
    ['any other error', new Error('no')],
    ['no error', 'timeout'],
  ])('does not take %s for one', (_name, error) => {
    expect(isDatabaseOutage(error)).toBe(false);
  });
});

describe('isUnstorableText', () => {
  it('knows a NUL that Postgres has refused', () => {
    expect([isUnstorableText(wrapped(withCode('22021'))), isUnstorableText(withCode('22P05'))]).toEqual([true, true]);
    expect([isUnstorableText(wrapped(withCode('23505'))), isUnstorableText(undefined)]).toEqual([false, false]);
  });
});
