// before the first @Type; a bundle leaves index.ts out
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import {
  BOTTLENECKS,
  type Bottleneck,
  FLASH_STRATEGIES,
  type FlashStage,
  type FlashStrategy,
  VERIFY_MODES,
  type VerifyMode,
} from './enums.js';

const MAX_INT = Number.MAX_SAFE_INTEGER;

/** The disk that was written. */
export class FlashedTarget {
  @IsString()
  @MaxLength(255)
  path: string;

  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  size_bytes: number;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  serial?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  wwn?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  model?: string;
}

/** How long a flash was in each stage, in milliseconds; a stage that it did not go through is absent. */
export class StageTimes implements Partial<Record<FlashStage, number>> {
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  preparing?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  comparing?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  writing?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  flushing?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  verifying?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  provisioning?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  committing?: number;
}

/**
 * What a successful flash did. Of the image's bytes each is skipped, zeroed or written; the wiped end of a larger disk
 * and its backup GPT count as well.
 */
export class FlashResult {
  @IsDefined()
  @ValidateNested()
  @Type(() => FlashedTarget)
  target: FlashedTarget;

  /** Bytes received from the server, compressed, the map and repeated ones included. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_fetched: number;

  /** Bytes of data written to the target. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_written: number;

  /** Bytes that were right already and were left alone. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_skipped: number;

  /** Bytes that were made zero. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_zeroed: number;

  /** Bytes read from the target past every cache and found right; those that were written, after they were flushed. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_verified: number;

  @IsIn(VERIFY_MODES)
  verify: VerifyMode;

  @IsIn(FLASH_STRATEGIES)
  strategy: FlashStrategy;

  /** For a person: what was measured, and what followed from it. */
  @IsString()
  @MaxLength(512)
  strategy_reason: string;

  @IsIn(BOTTLENECKS)
  bottleneck: Bottleneck;

  /** From the hand-out to the last flush, in milliseconds. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  duration_ms: number;

  @IsDefined()
  @ValidateNested()
  @Type(() => StageTimes)
  stage_ms: StageTimes;

  /** Whether the backup GPT was moved to the end of a larger disk. */
  @IsBoolean()
  gpt_relocated: boolean;

  /** Highest resident memory of the agent so far, in bytes. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  peak_rss_bytes: number;
}
