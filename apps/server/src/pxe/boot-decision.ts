import type { BootPolicy, FlashJobState, LiveEnvMode } from '@bty/wire-types';

/** What a PXE contact gets. The reason is for the person at the console. */
export type BootDecision =
  | { readonly boot: 'local'; readonly reason: string }
  | { readonly boot: 'live-env'; readonly mode: LiveEnvMode; readonly reason: string };

/** What the decision looks at of a machine. */
export interface ContactingMachine {
  readonly bootPolicy: BootPolicy;
  readonly firstBootUntil: Date | null;
}

/** What the decision looks at of the machine's active flash job. */
export interface WaitingJob {
  readonly id: string;
  readonly state: FlashJobState;
}

/**
 * Decides what a machine boots. An active job overrides the policy; the first boot after a flash goes to the disk that
 * was flashed, although policy `flash` stays what it is.
 */
export function decideBoot(machine: ContactingMachine, job: WaitingJob | undefined, now: Date): BootDecision {
  if (job !== undefined) return { boot: 'live-env', mode: 'flash', reason: `flash job ${job.id} is ${job.state}` };
  if (machine.firstBootUntil !== null && machine.firstBootUntil > now) {
    return { boot: 'local', reason: 'this is the first boot after a flash' };
  }
  switch (machine.bootPolicy) {
    case 'local':
      return { boot: 'local', reason: 'boot policy local' };
    case 'flash':
      return { boot: 'live-env', mode: 'flash', reason: 'boot policy flash' };
    case 'tui':
      return { boot: 'live-env', mode: 'tui', reason: 'boot policy tui' };
  }
}
