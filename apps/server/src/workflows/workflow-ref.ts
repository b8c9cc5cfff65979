const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** Which workflow is meant: the newest version of a name, or one fixed version. */
export interface WorkflowRef {
  readonly name: string;
  /** SHA-256 of the version, hex. */
  readonly digest?: string | undefined;
}

/** What is wrong with the name of a workflow; undefined when it can be one. */
export function workflowNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : 'must be 1 to 63 letters, digits and ._- only, the first a letter or digit';
}

/** Reads `NAME` or `NAME@DIGEST`; undefined for anything else. */
export function parseWorkflowRef(text: string): WorkflowRef | undefined {
  const [name = '', digest, ...more] = text.split('@');
  if (workflowNameProblem(name) !== undefined || more.length > 0) return undefined;
  if (digest === undefined) return { name };
  return DIGEST.test(digest) ? { name, digest } : undefined;
}
