import {
  ERROR_CODE_NAMES,
  type ErrorCode,
  FLASH_JOB_STATES,
  FLASH_STAGES,
  type FlashJobState,
  type FlashStage,
} from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import type { HistoryEntry, JobProgress } from './flash-job.entity.js';

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

/** One phase of one attempt. */
export class PhaseDto {
  /** Number of the attempt. */
  @ApiProperty({ type: 'integer' })
  epoch: number;

  @ApiProperty({ enum: FLASH_STAGES, enumName: 'FlashStage' })
  stage: FlashStage;

  @ApiProperty({ format: 'date-time' })
  started_at: string;

  /** Null while it lasts. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  ended_at: string | null;

  /** How long it took; null while it lasts. */
  @ApiProperty({ type: 'number', nullable: true, example: 12.345 })
  seconds: number | null;

  /** Bytes that were done in it, as the agent told last; null when it told nothing. */
  @ApiProperty({ type: 'integer', nullable: true })
  bytes_done: number | null;

  /** Mean of the phase. */
  @ApiProperty({ type: 'integer', nullable: true })
  bytes_per_second: number | null;
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

/** What the API shows of a job's progress. */
export function toProgressDto(progress: JobProgress): ProgressDto {
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

/** What the API shows of a line of a job's history. */
export function toHistoryDto(entry: HistoryEntry): HistoryDto {
  const { at, state, stage = null, epoch, code = null, message = null } = entry;
  return { at, state, stage, epoch, code, message };
}

/** The phases that a job's history tells of, in their order. */
export function toPhaseDtos(history: readonly HistoryEntry[]): PhaseDto[] {
  return history.flatMap(({ stage, epoch, at }, index) => {
    if (stage === undefined) return [];
    const end = history[index + 1];
    const seconds = end === undefined ? null : (Date.parse(end.at) - Date.parse(at)) / 1000;
    const bytes = end?.bytesDone ?? null;
    return {
      epoch,
      stage,
      started_at: at,
      ended_at: end?.at ?? null,
      seconds,
      bytes_done: bytes,
      bytes_per_second: bytes === null || !seconds ? null : Math.round(bytes / seconds),
    };
  });
}
