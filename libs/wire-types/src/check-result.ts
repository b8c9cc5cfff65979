// before the first @Type; a bundle leaves index.ts out
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsDefined,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { FlashedTarget } from './flash-result.js';

const MAX_INT = Number.MAX_SAFE_INTEGER;

/** How much of a check is told at most; with both at their limits, the message fits the protocol's largest frame. */
export const CHECK_LIMITS = { ranges: 400, partitions: 128, nameChars: 36 } as const;

/** A range of the disk, in bytes. */
export class DiskRange {
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  offset_bytes: number;

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  length_bytes: number;
}

/** A partition of the image that holds differences. */
export class DifferingPartition extends DiskRange {
  /** As the kernel counts, from 1. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  number: number;

  /** Its name in the GPT, when it has one. */
  @IsOptional()
  @IsString()
  @MaxLength(CHECK_LIMITS.nameChars)
  name?: string;

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  differing_bytes: number;
}

/**
 * What a check found: how a disk differs from the image that it is to hold. Differences are told in chunks of the image's
 * map, in its first MiB and at the end of the disk in pages of 4 KiB.
 */
export class CheckResult {
  /** The disk that was read. */
  @IsDefined()
  @ValidateNested()
  @Type(() => FlashedTarget)
  target: FlashedTarget;

  @IsBoolean()
  equal: boolean;

  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  compared_bytes: number;

  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  differing_bytes: number;

  /** Of the compared bytes, from 0 to 1. */
  @IsNumber()
  @Min(0)
  @Max(1)
  differing_share: number;

  /** Where it differs, in order; the first of them when there are very many. */
  @IsArray()
  @ArrayMaxSize(CHECK_LIMITS.ranges)
  @ValidateNested({ each: true })
  @Type(() => DiskRange)
  ranges: DiskRange[];

  /** How many more ranges there are. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  ranges_left_off: number;

  /** The partitions of the image's table that the differences lie in. */
  @IsArray()
  @ArrayMaxSize(CHECK_LIMITS.partitions)
  @ValidateNested({ each: true })
  @Type(() => DifferingPartition)
  partitions: DifferingPartition[];

  /** Differing bytes that lie in none of them: partition tables, gaps, the end of the disk. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  differing_bytes_outside_partitions: number;

  /** From the hand-out to the last byte read, in milliseconds. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  duration_ms: number;
}
