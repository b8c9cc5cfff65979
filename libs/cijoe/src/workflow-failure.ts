import type { ArchiveFile } from '@bty/archive';
import { failedSteps } from './failed-steps.js';

/** Why a workflow did not succeed, as jobs and runs tell it. */
export interface WorkflowFailure {
  readonly code: 'WORKFLOW_FAILED';
  readonly message: string;
  readonly details: { readonly exit_code: number | undefined; readonly failed_steps: string[] };
}

const MAX_MESSAGE_CHARS = 1000;

/** Names the steps that failed, by what cijoe left; `exitCode` is undefined when it was killed. */
export function workflowFailure(exitCode: number | undefined, report: readonly ArchiveFile[]): WorkflowFailure {
  const failed = failedSteps(report);
  const how = exitCode === undefined ? 'cijoe was killed' : `cijoe ended with ${exitCode}`;
  const message = failed.length === 0 ? how : `failed: ${failed.join(', ')}`;
  return {
    code: 'WORKFLOW_FAILED',
    message: message.slice(0, MAX_MESSAGE_CHARS),
    details: { exit_code: exitCode, failed_steps: failed },
  };
}
