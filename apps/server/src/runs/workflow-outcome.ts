import { workflowFailure } from '@bty/cijoe';
import type { SandboxOutcome } from '../sandbox/index.js';
import type { RunError } from './run.entity.js';

const EXCESS = {
  memory: 'it used more memory than it may',
  files: 'it made more files than it may',
  output: 'it printed more than it may',
} as const;

/** Why a workflow that has ended did not succeed; undefined when it did. `aborted` is for whoever aborted it. */
export function workflowError(outcome: SandboxOutcome, timeLimitSeconds: number): RunError | undefined {
  const { stopped, exitCode, files } = outcome;
  if (stopped === 'time') return { code: 'TIME_LIMIT', message: `the workflow took longer than ${timeLimitSeconds} s` };
  if (stopped !== undefined && stopped !== 'aborted') {
    return { code: 'LIMIT_EXCEEDED', message: `the workflow was stopped: ${EXCESS[stopped]}` };
  }
  if (exitCode === 0) return undefined;
  return workflowFailure(exitCode, files);
}
