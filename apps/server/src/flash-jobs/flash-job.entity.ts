import type {
  CheckResult,
  ErrorCode,
  FlashJobKind,
  FlashJobState,
  FlashResult,
  FlashStage,
  ImageFormat,
  ProvisioningMode,
  TargetHint,
  VerifyMode,
} from '@bty/wire-types';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintNumber } from '../db/index.js';
import type { JobSeed } from '../provisioning/index.js';
import type { ReportFile } from '../reports/index.js';
import type { PredictionBasis } from './predicted-duration.js';

/** One line of a job's history. */
export interface HistoryEntry {
  readonly at: string;
  readonly state: FlashJobState;
  readonly stage?: FlashStage | undefined;
  readonly epoch: number;
  readonly code?: ErrorCode | undefined;
  readonly message?: string | undefined;
  /** What was done of the phase that ended with this, as its agent had told last. */
  readonly bytesDone?: number | undefined;
}

/** How far a job is, as its agent told last. */
export interface JobProgress {
  readonly stage: FlashStage;
  readonly bytesDone: number;
  readonly bytesTotal?: number | undefined;
  readonly bytesPerSecond: number;
  readonly at: string;
}

/** Why a job failed. */
export interface JobError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Record<string, unknown> | undefined;
}

/** One order to make one machine's target equal one image, or to say how it differs. */
@Entity('flash_jobs')
@Index('flash_jobs_one_active', ['mac'], { unique: true, where: `state IN ('queued', 'dispatched', 'running')` })
@Index('flash_jobs_by_age', ['createdAt', 'id'])
@Index('flash_jobs_held', ['state'], { where: `state IN ('dispatched', 'running')` })
@Index('flash_jobs_waiting', ['waitingSince'], { where: `state = 'queued' AND waiting_since IS NOT NULL` })
@Index('flash_jobs_of_machine', ['mac', 'finishedAt'], { where: `state = 'succeeded'` })
@Index('flash_jobs_of_image', ['imageSha256', 'finishedAt'], { where: `state = 'succeeded'` })
export class FlashJobEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Index()
  @Column('text')
  mac: string;

  @Column('text', { default: 'flash' })
  kind: FlashJobKind;

  @Column('text')
  state: FlashJobState;

  /** Counts changes of the row, so that two changes cannot both start from the same state. */
  @Column('int')
  version: number;

  /** How often the job was handed out. */
  @Column('int')
  epoch: number;

  @Column('text', { nullable: true })
  stage: FlashStage | null;

  @Column('text')
  imageName: string;

  @Column('text', { nullable: true })
  imageFormat: ImageFormat | null;

  @Column('text', { nullable: true })
  imageSha256: string | null;

  @Column('bigint', { nullable: true, transformer: bigintNumber })
  imageSizeBytes: number | null;

  @Column('bigint', { nullable: true, transformer: bigintNumber })
  contentSizeBytes: number | null;

  @Column('text', { nullable: true })
  contentSha256: string | null;

  /** The map and the pack that the job was handed out with: they are kept while the job is active. */
  @Column('text', { nullable: true })
  mapBlake3: string | null;

  @Column('bigint', { nullable: true, transformer: bigintNumber })
  mapSizeBytes: number | null;

  @Column('text', { nullable: true })
  packBlake3: string | null;

  @Column('text')
  verify: VerifyMode;

  @Column('jsonb', { nullable: true })
  targetHint: TargetHint | null;

  @Column('text')
  provisioningMode: ProvisioningMode;

  /** What cloud-init is to find, for jobs whose mode has it. May hold secrets. */
  @Column('jsonb', { nullable: true })
  seed: JobSeed | null;

  /** The workflow of modes that have one, fixed when the job was made. */
  @Column('text', { nullable: true })
  workflowName: string | null;

  @Column('text', { nullable: true })
  workflowDigest: string | null;

  /** Who ordered it: `token:<name>`, or `policy`. */
  @Column('text')
  requestedBy: string;

  /** The job that this one does again. */
  @Column('uuid', { nullable: true })
  retryOf: string | null;

  /** How long it would take from its hand-out, as earlier flashes said when it was made, and which ones those were. */
  @Column('int', { nullable: true })
  predictedMs: number | null;

  @Column('text', { nullable: true })
  predictedFrom: PredictionBasis | null;

  /** Since when its agent has been there and waits for its turn; null while it does not. */
  @Column('timestamptz', { nullable: true })
  waitingSince: Date | null;

  /** When a server last knew that the agent is still there. */
  @Column('timestamptz', { nullable: true })
  waitingSeenAt: Date | null;

  @Column('uuid', { nullable: true })
  sessionId: string | null;

  @Column('timestamptz', { nullable: true })
  commitGrantedAt: Date | null;

  @Column('jsonb', { nullable: true })
  progress: JobProgress | null;

  @Column('timestamptz', { nullable: true })
  lastProgressAt: Date | null;

  @Column('jsonb')
  history: HistoryEntry[];

  @Column('jsonb', { nullable: true })
  error: JobError | null;

  @Column('jsonb', { nullable: true })
  result: FlashResult | null;

  @Column('jsonb', { nullable: true })
  checkResult: CheckResult | null;

  /** What the workflow of the latest attempt left behind; null when there is nothing. */
  @Column('jsonb', { nullable: true })
  report: ReportFile[] | null;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz', { nullable: true })
  dispatchedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  finishedAt: Date | null;
}
