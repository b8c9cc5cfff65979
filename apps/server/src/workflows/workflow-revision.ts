import { createHash } from 'node:crypto';
import type { WorkflowVersionEntity } from './workflow-version.entity.js';

/** Which versions a workflow has, and which of them was put last, for ETags. What cijoe says of them is no change. */
export function workflowRevision(versions: readonly Pick<WorkflowVersionEntity, 'digest' | 'putAt'>[]): string {
  const all = versions.map(({ digest, putAt }) => `${digest} ${putAt.getTime()}`).toSorted();
  return createHash('sha256').update(all.join('\n')).digest('base64url').slice(0, 22);
}
