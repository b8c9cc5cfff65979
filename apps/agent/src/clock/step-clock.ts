import { BtyError } from '@bty/wire-types';
import { ask } from '../http-ask.js';
import { runCommand } from '../run-command.js';

const TIMEOUT_MS = 5000;
const TOLERANCE_MS = 2000;

/** The wall clock to set, in whole seconds since 1970, or undefined: it is only ever stepped forward. */
export function clockStep(dateHeader: string | undefined, nowMs: number): number | undefined {
  const serverMs = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
  if (Number.isNaN(serverMs) || serverMs <= nowMs + TOLERANCE_MS) return undefined;
  return Math.floor(serverMs / 1000);
}

/**
 * Steps a clock that lags (a dead battery starts in 1970 or 2010) to the server's. Returns what was done, for the log.
 * The certificate is not checked here alone: whether it is valid cannot be judged before the time is known, and a wrong
 * answer can only move the clock, not hand out work.
 */
export async function stepClock(serverUrl: string): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const options = { method: 'HEAD', agent: false, rejectUnauthorized: false, stallMs: TIMEOUT_MS, signal } as const;
  const response = await ask(`${serverUrl}/healthz`, options);
  response.resume();
  const seconds = clockStep(response.headers.date, Date.now());
  if (seconds === undefined) return 'the clock is right';
  const { exitCode, stderr } = await runCommand('date', ['-s', `@${seconds}`], TIMEOUT_MS);
  if (exitCode !== 0) throw new BtyError('INTERNAL', `the clock cannot be set: ${stderr.trim()}`);
  return `stepped the clock forward to ${new Date(seconds * 1000).toISOString()}`;
}
