import type { BootPolicy, FlashJobKind, FlashJobState, LiveEnvMode, ProvisioningMode } from '@bty/wire-types';

/** What a PXE contact gets. The reason is for the person at the console. */
export type BootDecision =
  | { readonly boot: 'local'; readonly reason: string }
  | {
      readonly boot: 'live-env';
      readonly mode: LiveEnvMode;
      /** Whether it is to run workflows. */
      readonly cijoe: boolean;
      readonly reason: string;
    };

/** What the decision looks at of a machine. */
export interface ContactingMachine {
  readonly bootPolicy: BootPolicy;
  readonly firstBootUntil: Date | null;
  readonly provisioningMode: ProvisioningMode;
}

/** What the decision looks at of the machine's active flash job. */
export interface WaitingJob {
  readonly id: string;
  readonly kind: FlashJobKind;
  readonly state: FlashJobState;
  readonly provisioningMode: ProvisioningMode;
}

/**
 * Decides what a machine boots. An active job overrides the policy; the first boot after a flash or a check goes to the
 * disk, although policy `flash` stays what it is.
 */
export function decideBoot(machine: ContactingMachine, job: WaitingJob | undefined, now: Date): BootDecision {
  if (job !== undefined) {
    const cijoe = job.provisioningMode === 'cijoe';
    return { boot: 'live-env', mode: 'flash', cijoe, reason: `${job.kind} job ${job.id} is ${job.state}` };
  }
  if (machine.firstBootUntil !== null && machine.firstBootUntil > now) {
    return { boot: 'local', reason: 'this is the first boot after a flash or a check' };
  }
  // Whatever job the machine gets there, its record says what of.
  const cijoe = machine.provisioningMode === 'cijoe';
  switch (machine.bootPolicy) {
    case 'local':
      return { boot: 'local', reason: 'boot policy local' };
    case 'flash':
      return { boot: 'live-env', mode: 'flash', cijoe, reason: 'boot policy flash' };
    case 'tui':
      return { boot: 'live-env', mode: 'tui', cijoe, reason: 'boot policy tui' };
  }
}
