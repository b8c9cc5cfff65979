import type { ArchiveFile } from '@bty/archive';
import type { SandboxOutcome } from '../sandbox/index.js';
import { failedSteps } from './failed-steps.js';
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
  return failure(exitCode, files);
}

function failure(exitCode: number | undefined, files: readonly ArchiveFile[]): RunError {
  const failed = failedSteps(files);
  const how = exitCode === undefined ? 'cijoe was killed' : `cijoe ended with ${exitCode}`;
  const message = failed.length === 0 ? how : `failed: ${failed.join(', ')}`;
  return {
    code: 'WORKFLOW_FAILED',
    message: message.slice(0, 1000),
    details: { exit_code: exitCode, failed_steps: failed },
  };
}
