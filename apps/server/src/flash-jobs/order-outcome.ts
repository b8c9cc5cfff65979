import { BtyError, type ErrorCode } from '@bty/wire-types';

/** What came of an order for one machine: a job, or why there is none. */
export interface OrderOutcome {
  readonly mac: string;
  readonly jobId?: string | undefined;
  readonly problem?: { readonly code: ErrorCode; readonly message: string; readonly details: object } | undefined;
}

/** The outcome for a machine that was refused. */
export function refusal(mac: string, { code, message, details }: BtyError): OrderOutcome {
  return { mac, problem: { code, message, details } };
}

/** The error for a selector of whose machines none got a job. */
export function noneTaken(outcomes: readonly OrderOutcome[]): BtyError {
  const results = outcomes.map(({ mac, problem }) => ({ mac, ...problem }));
  return new BtyError('CONFLICT', `none of the ${outcomes.length} machines can be flashed now`, {
    details: { results },
  });
}
