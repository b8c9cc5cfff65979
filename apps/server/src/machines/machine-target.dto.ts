import {
  ERROR_CODE_NAMES,
  type ErrorCode,
  FlashedTarget,
  InventoryDisk,
  TargetHint,
  TRANSPORTS,
  type Transport,
} from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, IsString, Length, ValidateNested } from 'class-validator';
import { FailureDto } from '../http/index.js';

/** What to choose a target for; what is left out comes from the machine's record. */
export class TargetPost {
  /**
   * Name of an image of the catalogue: it says how many bytes are needed, and sectors of which size.
   * @example 'debian-13.img'
   */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @ApiProperty({ type: String, required: false, nullable: true })
  image?: string | null;

  /** Which disk is meant; an empty one means none in particular. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TargetHint)
  @ApiProperty({ type: TargetHint, required: false, nullable: true })
  target_hint?: TargetHint | null;
}

/** A disk of the machine, and every reason against it. */
export class JudgedDiskDto {
  /** @example '/dev/nvme0n1' */
  path: string;

  @ApiProperty({ type: 'integer' })
  size_bytes: number;

  @ApiProperty({ type: String, nullable: true })
  serial: string | null;

  @ApiProperty({ type: String, nullable: true })
  wwn: string | null;

  @ApiProperty({ type: String, nullable: true })
  model: string | null;

  @ApiProperty({ enum: TRANSPORTS, enumName: 'Transport' })
  transport: Transport;

  /** Whether nothing speaks against it. Two eligible disks are one too many. */
  eligible: boolean;

  @ApiProperty({ type: [FailureDto] })
  reasons: FailureDto[];
}

/** What the choice was made for. */
export class TargetImageDto {
  name: string;

  /** Length of the raw disk in bytes. */
  @ApiProperty({ type: 'integer' })
  content_size_bytes: number;

  /** Logical sector size that the image was made for; null when it does not tell. */
  @ApiProperty({ type: 'integer', nullable: true })
  sector_bytes: number | null;
}

/** Which disk a flash would take, or why it would take none. Nothing is written. */
export class TargetDto {
  /** The disk that a flash would take; null when it would be refused. */
  @ApiProperty({ type: InventoryDisk, nullable: true })
  target: InventoryDisk | null;

  /** Why a flash would be refused, for a program; null when it would not. */
  @ApiProperty({ enum: ERROR_CODE_NAMES, enumName: 'ErrorCode', nullable: true })
  code: ErrorCode | null;

  /**
   * Why this disk, or why none, for a person.
   * @example 'it is the only disk that matches the hint (serial) and may be written'
   */
  why: string;

  disks: JudgedDiskDto[];

  @ApiProperty({ type: TargetHint, nullable: true })
  target_hint: TargetHint | null;

  /** Null when neither record nor request names one: then neither size nor sectors speak against a disk. */
  @ApiProperty({ type: TargetImageDto, nullable: true })
  image: TargetImageDto | null;

  /** The disk that the machine's last successful flash wrote. */
  @ApiProperty({ type: FlashedTarget, nullable: true })
  last_target: FlashedTarget | null;

  /** When an agent saw the disks that were chosen from. The agent of a flash looks again. */
  @ApiProperty({ format: 'date-time' })
  inventory_at: string;

  @ApiProperty({ type: 'integer' })
  inventory_age_seconds: number;

  /** False when the machine has so many disks that its agent left some of what it saw out. */
  inventory_complete: boolean;
}
