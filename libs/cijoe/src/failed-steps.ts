import type { ArchiveFile } from '@bty/archive';
import { parse } from 'yaml';

interface Step {
  readonly name?: unknown;
  readonly status?: { readonly failed?: unknown } | undefined;
}

/** Names of the steps that failed, as cijoe's `task.state` has them; empty when it does not tell. */
export function failedSteps(report: readonly ArchiveFile[]): string[] {
  const state = report.find(({ path }) => path === 'task.state');
  if (state === undefined) return [];
  let steps: unknown;
  try {
    steps = (parse(state.content.toString('utf8')) as { steps?: unknown } | null)?.steps;
  } catch {
    // The workflow can write there, too: what it made of it is in the report, and tells us nothing.
    return [];
  }
  if (!Array.isArray(steps)) return [];
  return (steps as Step[]).filter((step) => step?.status?.failed === 1).map(({ name }) => String(name));
}
