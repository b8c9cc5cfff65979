import type { WorkflowRef } from './workflow-ref.js';

/** Port: how the catalogue learns that jobs and runs, which stand above it, need a workflow. */
export abstract class WorkflowUse {
  /** What active job or run needs a version of this name, or this very version; for a person. */
  abstract activeUseOf(ref: WorkflowRef): Promise<string | undefined>;
}
