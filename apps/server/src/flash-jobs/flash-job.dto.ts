import {
  ERROR_CODE_NAMES,
  type ErrorCode,
  FLASH_JOB_STATES,
  FLASH_STAGES,
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
import type { FlashJobEntity, JobProgress } from './flash-job.entity.js';

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

/** How far a job is in the phase it is in. */
export class ProgressDto {
  @ApiProperty({ enum: FLASH_STAGES, enumName: 'FlashStage' })
  stage: FlashStage;

  /** Bytes done in this phase. */
  @ApiProperty({ type: 'integer' })
  bytes_done: number;

  /** Bytes that this phase will do; null when nobody knows. */
  @ApiProperty({ type: 'integer', nullable: true })
  bytes_total: number | null;

  /** Over the last few seconds. */
  @ApiProperty({ type: 'integer' })
  bytes_per_second: number;

  /** Seconds until the end of the phase at this speed; null when nobody knows. */
  @ApiProperty({ type: 'integer', nullable: true })
  eta_seconds: number | null;

  /** When the agent said so. */
  @ApiProperty({ format: 'date-time' })
  at: string;
}

/** One line of a job's history. */
export class HistoryDto {
  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ enum: FLASH_JOB_STATES, enumName: 'FlashJobState' })
  state: FlashJobState;

  /** The phase that began, when this is about a phase. */
  @ApiProperty({ enum: FLASH_STAGES, enumName: 'FlashStage', nullable: true })
  stage: FlashStage | null;

  /** Number of the attempt, from 1; 0 before the first. */
  @ApiProperty({ type: 'integer' })
  epoch: number;

  /** Why, when something went wrong. */
  @ApiProperty({ enum: ERROR_CODE_NAMES, enumName: 'ErrorCode', nullable: true })
  code: ErrorCode | null;

  @ApiProperty({ type: String, nullable: true })
  message: string | null;
}

/** Why a job failed, with facts for a program. */
export class JobFailureDto {
  @ApiProperty({ enum: ERROR_CODE_NAMES, enumName: 'ErrorCode' })
  code: ErrorCode;

  /** For a person: what happened, and what to do. */
  message: string;

  /** Facts: errno, offsets, the disks that were refused and why. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: Record<string, unknown>;
}

/** A flash job: one order to make one machine's target equal one image. */
export class FlashJobDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example '52:54:00:00:00:01' */
  mac: string;

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

  /**
   * Who ordered it: a token, or the machine's boot policy.
   * @example 'token:admin'
   */
  requested_by: string;

  /** Null while no agent works on the job. */
  @ApiProperty({ type: ProgressDto, nullable: true })
  progress: ProgressDto | null;

  history: HistoryDto[];

  @ApiProperty({ type: JobFailureDto, nullable: true })
  error: JobFailureDto | null;

  @ApiProperty({ type: FlashResult, nullable: true })
  result: FlashResult | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  /** When it was handed to an agent last. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  dispatched_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;
}

function toProgressDto(progress: JobProgress): ProgressDto {
  const { stage, bytesDone, bytesTotal, bytesPerSecond, at } = progress;
  const left = bytesTotal === undefined ? undefined : Math.max(0, bytesTotal - bytesDone);
  return {
    stage,
    bytes_done: bytesDone,
    bytes_total: bytesTotal ?? null,
    bytes_per_second: bytesPerSecond,
    eta_seconds: left === undefined || bytesPerSecond === 0 ? null : Math.ceil(left / bytesPerSecond),
    at,
  };
}

/** What the API shows of a flash job. */
export function toFlashJobDto(job: FlashJobEntity): FlashJobDto {
  return {
    id: job.id,
    mac: job.mac,
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
    requested_by: job.requestedBy,
    progress: job.progress === null ? null : toProgressDto(job.progress),
    history: job.history.map(({ at, state, stage = null, epoch, code = null, message = null }) => ({
      at,
      state,
      stage,
      epoch,
      code,
      message,
    })),
    error: job.error === null ? null : { ...job.error },
    result: job.result,
    created_at: job.createdAt.toISOString(),
    dispatched_at: job.dispatchedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
  } as FlashJobDto;
}
