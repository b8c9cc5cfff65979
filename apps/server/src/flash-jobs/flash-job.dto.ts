import {
  CheckResult,
  FLASH_JOB_KINDS,
  FLASH_JOB_STATES,
  FLASH_STAGES,
  type FlashJobKind,
  type FlashJobState,
  FlashResult,
  type FlashStage,
  IMAGE_FORMATS,
  type ImageFormat,
  PROVISIONING_MODES,
  type ProvisioningMode,
  TargetHint,
  VERIFY_MODES,
  type VerifyMode,
} from '@bty/wire-types';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { FailureDto } from '../http/index.js';
import { ReportFileDto, toReportFileDtos } from '../reports/index.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { HistoryDto, PhaseDto, ProgressDto, toHistoryDto, toPhaseDtos, toProgressDto } from './flash-job-course.dto.js';
import { PREDICTION_BASES, type PredictionBasis } from './predicted-duration.js';

/** The image of a job, fixed when the job was made. */
export class JobImageDto {
  name: string;

  @ApiProperty({ enum: IMAGE_FORMATS, enumName: 'ImageFormat', nullable: true })
  format: ImageFormat | null;

  /** SHA-256 of the file, hex. */
  @ApiProperty({ type: String, nullable: true })
  sha256: string | null;

  /** Length of the file in bytes. */
  @ApiProperty({ type: 'integer', nullable: true })
  size_bytes: number | null;

  /** Length of the raw disk in bytes. */
  @ApiProperty({ type: 'integer', nullable: true })
  content_size_bytes: number | null;
}

/** How long a job takes from its hand-out, as the median of earlier flashes has it. */
export class PredictionDto {
  @ApiProperty({ type: 'number', example: 41.5 })
  seconds: number;

  /** Which flashes: of this image on this machine; of others on it, in proportion to their size; of this image elsewhere. */
  @ApiProperty({ enum: PREDICTION_BASES, enumName: 'PredictionBasis' })
  based_on: PredictionBasis;

  /** When it is done then; null before the hand-out. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  ready_at: string | null;
}

/** Why a job failed, with facts for a program. */
export class JobFailureDto extends FailureDto {
  /** Facts: errno, offsets, the disks that were refused and why. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: Record<string, unknown>;
}

/** A flash job: one order to make one machine's target equal one image, or to say how it differs. */
export class FlashJobDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example '52:54:00:00:00:01' */
  mac: string;

  @ApiProperty({ enum: FLASH_JOB_KINDS, enumName: 'FlashJobKind' })
  kind: FlashJobKind;

  @ApiProperty({ enum: FLASH_JOB_STATES, enumName: 'FlashJobState' })
  state: FlashJobState;

  /** The phase that the job is in, or was in last. */
  @ApiProperty({ enum: FLASH_STAGES, enumName: 'FlashStage', nullable: true })
  stage: FlashStage | null;

  /** How often the job was handed to an agent. */
  @ApiProperty({ type: 'integer' })
  epoch: number;

  image: JobImageDto;

  @ApiProperty({ enum: VERIFY_MODES, enumName: 'VerifyMode' })
  verify: VerifyMode;

  @ApiProperty({ type: TargetHint, nullable: true })
  target_hint: TargetHint | null;

  @ApiProperty({ enum: PROVISIONING_MODES, enumName: 'ProvisioningMode' })
  provisioning_mode: ProvisioningMode;

  /** The workflow that belongs to the mode, if it has one. */
  @ApiProperty({ type: String, nullable: true })
  workflow: string | null;

  /** Its version, fixed when the job was made. */
  @ApiProperty({ type: String, nullable: true })
  workflow_digest: string | null;

  /**
   * Who ordered it: a token, or the machine's boot policy.
   * @example 'token:admin'
   */
  requested_by: string;

  /** Null while no agent works on the job. */
  @ApiProperty({ type: ProgressDto, nullable: true })
  progress: ProgressDto | null;

  history: HistoryDto[];

  /** The phases that it has gone through, with what was done in each. */
  phases: PhaseDto[];

  /** How long it takes from its hand-out, as earlier flashes say. */
  @ApiProperty({ type: PredictionDto, nullable: true })
  predicted: PredictionDto | null;

  /** Since when its agent is there and waits for its turn, because too many others are being flashed. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  waiting_since: string | null;

  /** The job that this one does again. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  retry_of: string | null;

  @ApiProperty({ type: JobFailureDto, nullable: true })
  error: JobFailureDto | null;

  /** Of a flash that succeeded. */
  @ApiProperty({ type: FlashResult, nullable: true })
  result: FlashResult | null;

  /** Of a check that succeeded, whether the disk is equal or not. */
  @ApiProperty({ type: CheckResult, nullable: true })
  check_result: CheckResult | null;

  /** Files of what a workflow in mode `cijoe` left; null when there is none. `GET /flash-jobs/{id}/report` gives them all. */
  @ApiProperty({ type: [ReportFileDto], nullable: true })
  report: ReportFileDto[] | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  /** When it was handed to an agent last. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  dispatched_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;
}

function toPredictionDto({ predictedMs, predictedFrom, dispatchedAt }: FlashJobEntity): PredictionDto | null {
  if (predictedMs === null || predictedFrom === null) return null;
  const ready_at = dispatchedAt === null ? null : new Date(dispatchedAt.getTime() + predictedMs).toISOString();
  return { seconds: predictedMs / 1000, based_on: predictedFrom, ready_at };
}

/** What the API shows of a flash job. */
export function toFlashJobDto(job: FlashJobEntity): FlashJobDto {
  return {
    id: job.id,
    mac: job.mac,
    kind: job.kind,
    state: job.state,
    stage: job.stage,
    epoch: job.epoch,
    image: {
      name: job.imageName,
      format: job.imageFormat,
      sha256: job.imageSha256,
      size_bytes: job.imageSizeBytes,
      content_size_bytes: job.contentSizeBytes,
    },
    verify: job.verify,
    target_hint: job.targetHint,
    provisioning_mode: job.provisioningMode,
    workflow: job.workflowName,
    workflow_digest: job.workflowDigest,
    requested_by: job.requestedBy,
    progress: job.progress === null ? null : toProgressDto(job.progress),
    history: job.history.map(toHistoryDto),
    phases: toPhaseDtos(job.history),
    predicted: toPredictionDto(job),
    waiting_since: job.waitingSince?.toISOString() ?? null,
    retry_of: job.retryOf,
    error: job.error === null ? null : { ...job.error },
    result: job.result,
    check_result: job.checkResult,
    report: toReportFileDtos(job.report),
    created_at: job.createdAt.toISOString(),
    dispatched_at: job.dispatchedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
  } as FlashJobDto;
}
