import type { ProvisioningMode } from '@bty/wire-types';

/** Fields of a record or job that a mode may need, by their names in the API. */
export type ModeInput = 'user_data' | 'cijoe_workflow_ref';

/** What a provisioning mode works with. */
export interface ModeNeeds {
  /** Fields without which the mode has nothing to do; a record or job that lacks one is refused. */
  readonly needs: readonly ModeInput[];
  /** Whether a record's cloud-init texts go onto the disk in this mode. */
  readonly takesSeed: boolean;
}

/** The one place that says what a mode needs. */
export const MODE_NEEDS: Readonly<Record<ProvisioningMode, ModeNeeds>> = {
  none: { needs: [], takesSeed: false },
  'cloud-init': { needs: ['user_data'], takesSeed: true },
  cijoe: { needs: ['cijoe_workflow_ref'], takesSeed: false },
  // Its seed is written before the first boot, so that the server's key gets in.
  'cijoe-online': { needs: ['cijoe_workflow_ref'], takesSeed: true },
};
