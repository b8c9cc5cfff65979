import { BtyError } from '@bty/wire-types';
import { expect } from 'vitest';

/** What an attempt throws, which has to be a BtyError. */
export async function failure(attempt: Promise<unknown>): Promise<BtyError> {
  const thrown: unknown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(BtyError);
  return thrown as BtyError;
}
