import type { ErrorCode } from '@bty/wire-types';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { ReportFile } from '../reports/index.js';
import type { RunState } from './run-state.js';

/** `online`: over SSH, in the system that was flashed. */
export const RUN_KINDS = ['online'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** Why a run did not succeed. */
export interface RunError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Record<string, unknown> | undefined;
}

/** One line of a run's history. */
export interface RunHistoryEntry {
  readonly at: string;
  readonly state: RunState;
  readonly message?: string | undefined;
}

/** One execution of a cijoe workflow against one machine. */
@Entity('runs')
@Index('runs_one_active', ['mac'], { unique: true, where: `state IN ('queued', 'waiting', 'running')` })
@Index('runs_by_age', ['createdAt', 'id'])
export class RunEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Index()
  @Column('text')
  mac: string;

  @Column('text')
  kind: RunKind;

  @Column('text')
  state: RunState;

  /** Counts changes of the row, so that two changes cannot both start from the same state. */
  @Column('int')
  version: number;

  @Column('text')
  workflowName: string;

  @Column('text')
  workflowDigest: string;

  /** Who asked for it: `token:<name>`, `agent:<mac>`, `pxe:<mac>`. */
  @Column('text')
  requestedBy: string;

  /** The flash that it belongs to; null when there is none. */
  @Column('uuid', { nullable: true })
  flashJobId: string | null;

  /** What was flashed last, as far as this server knows. */
  @Column('text', { nullable: true })
  imageName: string | null;

  @Column('text', { nullable: true })
  imageSha256: string | null;

  /** Names the worker that has it. */
  @Column('text', { nullable: true })
  workerId: string | null;

  /** When that worker was heard of last. */
  @Column('timestamptz', { nullable: true })
  heartbeatAt: Date | null;

  /** Where the system answered. */
  @Column('text', { nullable: true })
  address: string | null;

  @Column('jsonb')
  history: RunHistoryEntry[];

  @Column('jsonb', { nullable: true })
  error: RunError | null;

  /** The stored report; null when there is none. */
  @Column('jsonb', { nullable: true })
  report: ReportFile[] | null;

  /** Number of the baseline that it recorded. */
  @Column('int', { nullable: true })
  baseline: number | null;

  @Column('timestamptz')
  createdAt: Date;

  /** When the workflow began. */
  @Column('timestamptz', { nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  finishedAt: Date | null;
}
