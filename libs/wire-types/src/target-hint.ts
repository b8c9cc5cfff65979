// before the first @Type; a bundle leaves index.ts out
import 'reflect-metadata';
import { Transform } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  type ValidationArguments,
} from 'class-validator';
import { TRANSPORTS, type Transport } from './enums.js';
import { MayBeAbsent } from './may-be-absent.js';

const PRINTABLE = /^[\x20-\x7e]*$/;

/** Disks and people put blanks around these texts; they never mean anything. */
function Trim(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value));
}

function IsNotBelowMinimum(): PropertyDecorator {
  const validate = (max: unknown, args?: ValidationArguments): boolean => {
    const min = (args?.object as TargetHint | undefined)?.min_size_bytes;
    return typeof min !== 'number' || typeof max !== 'number' || max >= min;
  };
  const defaultMessage = (): string => '$property must not be less than min_size_bytes';
  return ValidateBy({ name: 'isNotBelowMinimum', validator: { validate, defaultMessage } });
}

/**
 * Which disk of a machine is its target. Every field that is given must match (AND); exactly one disk must remain.
 * Texts are compared without surrounding blanks; a disk that lacks a serial or WWN never matches a hint for one.
 */
export class TargetHint {
  /** Serial number, as the disk reports it. */
  @MayBeAbsent()
  @Trim()
  @IsString()
  @Length(1, 128)
  @Matches(PRINTABLE, { message: '$property must have printable ASCII characters only' })
  serial?: string;

  /** World Wide Name, with or without its `0x` or `eui.`/`naa.` prefix. */
  @MayBeAbsent()
  @Trim()
  @IsString()
  @Length(1, 128)
  @Matches(PRINTABLE, { message: '$property must have printable ASCII characters only' })
  wwn?: string;

  /** A link name below `/dev/disk/by-id/`, with or without that directory. */
  @MayBeAbsent()
  @Trim()
  @IsString()
  @Length(1, 255)
  @Matches(PRINTABLE, { message: '$property must have printable ASCII characters only' })
  by_id?: string;

  /** Model name, whole. */
  @MayBeAbsent()
  @Trim()
  @IsString()
  @Length(1, 128)
  @Matches(PRINTABLE, { message: '$property must have printable ASCII characters only' })
  model?: string;

  /** How the disk is attached. */
  @MayBeAbsent()
  @IsIn(TRANSPORTS)
  transport?: Transport;

  /** Smallest size in bytes, inclusive. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  min_size_bytes?: number;

  /** Largest size in bytes, inclusive. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  @IsNotBelowMinimum()
  max_size_bytes?: number;

  /** Allows a removable or USB disk, which is refused otherwise. */
  @MayBeAbsent()
  @IsBoolean()
  allow_removable?: boolean;

  /**
   * Allows a disk with signatures of LVM, RAID, ZFS or cluster storage, which is refused unless the machine's last flash
   * wrote that very disk. A disk that something holds at the moment is refused all the same.
   */
  @MayBeAbsent()
  @IsBoolean()
  allow_members?: boolean;
}
