import type { ErrorCode, FlashedTarget, FlashJobKind, FlashJobState, FlashStage } from '@bty/wire-types';

/** What a machine record shows of a flash job. */
export interface JobSummary {
  readonly id: string;
  readonly kind: FlashJobKind;
  readonly state: FlashJobState;
  readonly stage: FlashStage | null;
  readonly image: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly error: { code: ErrorCode; message: string } | null;
}

/** The flash jobs of a machine: the one that is active, and the last flash that is over. */
export interface MachineJobSummaries {
  readonly active?: JobSummary | undefined;
  readonly last?: JobSummary | undefined;
}

/** How far the flash of a machine is. */
export interface FlashUnderWay {
  readonly mac: string;
  readonly job_id: string;
  readonly stage: FlashStage | null;
  readonly bytes_done: number | null;
  readonly bytes_total: number | null;
  readonly bytes_per_second: number | null;
}

/** Port: how machine records learn about flash jobs, which stand above them. */
export abstract class MachineJobs {
  abstract summaries(macs: readonly string[]): Promise<ReadonlyMap<string, MachineJobSummaries>>;

  /** The flashes that agents are carrying out. */
  abstract underWay(): Promise<FlashUnderWay[]>;

  /** The disk that the last successful flash of this machine, by whichever of its records, has written. */
  abstract lastTarget(mac: string): Promise<FlashedTarget | undefined>;
}

/** Port: how machine records learn whether an agent is connected. */
export abstract class AgentPresence {
  /** Those of these machines whose agents are connected, to whichever process. */
  abstract connectedAmong(macs: readonly string[]): Promise<ReadonlySet<string>>;

  /** Whether the agent of a machine is connected to this process. */
  abstract isHere(mac: string): boolean;

  /** How many there are at this process. */
  abstract readonly connectedCount: number;
}
