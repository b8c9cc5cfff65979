import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { TRANSPORTS, type Transport } from './enums.js';

const PRINTABLE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * Which disk of a machine is its target. Every field that is given must match (AND); exactly one disk must remain.
 * Texts are compared without surrounding blanks; a disk that lacks a serial or WWN never matches a hint for one.
 */
export class TargetHint {
  /** Serial number, as the disk reports it. */
  @IsOptional()
  @IsString()
  @Length(1, 128)
  @Matches(PRINTABLE)
  serial?: string;

  /** World Wide Name, with or without its `0x` or `eui.`/`naa.` prefix. */
  @IsOptional()
  @IsString()
  @Length(1, 128)
  @Matches(PRINTABLE)
  wwn?: string;

  /** A link name below `/dev/disk/by-id/`, with or without that directory. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(PRINTABLE)
  by_id?: string;

  /** Model name, whole. */
  @IsOptional()
  @IsString()
  @Length(1, 128)
  @Matches(PRINTABLE)
  model?: string;

  /** How the disk is attached. */
  @IsOptional()
  @IsIn(TRANSPORTS)
  transport?: Transport;

  /** Smallest size in bytes, inclusive. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  min_size_bytes?: number;

  /** Largest size in bytes, inclusive. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  max_size_bytes?: number;

  /** Allows a removable or USB disk, which is refused otherwise. */
  @IsOptional()
  @IsBoolean()
  allow_removable?: boolean;
}
