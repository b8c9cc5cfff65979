import { CLOSE_CODES } from '@bty/wire-types';

/** What follows a closed connection: try again soon, try again rarely, or never. */
export type Retry = 'soon' | 'rarely' | 'never';

const UPGRADE_REFUSED = /Unexpected server response: (400|426)/;

/** What the agent does after its socket was closed. `1006` stands for every loss without a word. */
export function retryAfter(code: number, reason: string): Retry {
  if (code === CLOSE_CODES.SUPERSEDED) return 'never';
  if (code === CLOSE_CODES.UNAUTHENTICATED) return 'rarely';
  // The server does not speak this version of the protocol: a new agent comes with the next boot only.
  return UPGRADE_REFUSED.test(reason) ? 'rarely' : 'soon';
}
