import type { BtyError } from '@bty/wire-types';

/** How the command ends, for scripts. */
export const EXIT_CODES = {
  success: 0,
  /** The operation failed, or a check refused it. */
  failed: 1,
  /** A wrong command line, or an input that is not there. */
  usage: 2,
  needsRoot: 3,
  toolMissing: 4,
  /** The disk is not the one that was looked at. */
  targetChanged: 5,
} as const;

/** The exit code for a failure; `root` says whether the user is. */
export function exitCodeOf({ code, details }: BtyError, root: boolean): number {
  if (code === 'INVALID_REQUEST' || code === 'INVALID_MAC' || code === 'NOT_FOUND') return EXIT_CODES.usage;
  if (code === 'TARGET_CHANGED') return EXIT_CODES.targetChanged;
  if (details.missing_tool !== undefined) return EXIT_CODES.toolMissing;
  if (!root && (details.errno === 'EACCES' || details.errno === 'EPERM')) return EXIT_CODES.needsRoot;
  return EXIT_CODES.failed;
}
