import {
  BOOT_POLICIES,
  type BootPolicy,
  FLASH_JOB_STATES,
  PROVISIONING_MODES,
  type ProvisioningMode,
} from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PageQuery, type PageStart, readPageStart, readSort } from '../http/index.js';
import type { MachineFilter, MachineOrder } from './machine-list.repository.js';
import { MACHINE_SORT_COLUMNS, MACHINE_SORT_FIELDS } from './machine-sort.js';

const SORTS = MACHINE_SORT_FIELDS.flatMap((field) => [field, `-${field}`]);

/** States of a machine: those of its active flash job, else of its last, else `idle`. */
export const MACHINE_STATES = ['idle', ...FLASH_JOB_STATES] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

/** Which machines to list. */
export class MachinesQuery extends PageQuery {
  /** Only machines with this tag; given several times, with all of them. */
  @IsOptional()
  @Transform(({ value }) => [value].flat() as unknown)
  @ArrayMaxSize(16)
  @IsString({ each: true })
  @ApiProperty({ type: [String], required: false, example: ['rack-2'] })
  tag?: string[];

  /** Only machines in this state. */
  @IsOptional()
  @IsIn(MACHINE_STATES)
  @ApiProperty({ enum: MACHINE_STATES, enumName: 'MachineState', required: false })
  state?: MachineState;

  /**
   * Only machines whose record names this image.
   * @example 'debian-13.img'
   */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  image?: string;

  /** Only machines with this boot policy. */
  @IsOptional()
  @IsIn(BOOT_POLICIES)
  @ApiProperty({ enum: BOOT_POLICIES, enumName: 'BootPolicy', required: false })
  boot_policy?: BootPolicy;

  /** Only machines with this provisioning mode. */
  @IsOptional()
  @IsIn(PROVISIONING_MODES)
  @ApiProperty({ enum: PROVISIONING_MODES, enumName: 'ProvisioningMode', required: false })
  provisioning_mode?: ProvisioningMode;

  /** Field to sort by, with a `-` before it to go down. What has no value comes before what has one. */
  @IsIn(SORTS)
  @ApiProperty({ enum: SORTS, required: false, default: 'mac' })
  sort: string = 'mac';

  /** Where the page begins: from the `Link` header of the page before; sorted by `mac`, a MAC address will do. */
  @IsOptional()
  @Matches(/^([0-9a-f:]{17}|[A-Za-z0-9_-]{1,600})$/)
  after?: string;
}

/** Which machines a query means. */
export function toMachineFilter(query: MachinesQuery, pool: string | undefined): MachineFilter {
  const { tag: tags, boot_policy: bootPolicy, provisioning_mode: provisioningMode, image, state } = query;
  return { pool, tags, bootPolicy, provisioningMode, image, state };
}

/** In which order a query means them. Throws INVALID_REQUEST. */
export function toMachineOrder(query: MachinesQuery): MachineOrder {
  const sort = readSort(query.sort, MACHINE_SORT_FIELDS);
  return { ...sort, start: startOf(query.after, MACHINE_SORT_COLUMNS[sort.field].kind, sort.field === 'mac') };
}

/** Sorted by MAC address, a page begins behind one. */
function startOf(after: string | undefined, kind: 'text' | 'integer', byMac: boolean): PageStart | undefined {
  if (after === undefined) return undefined;
  return byMac && after.includes(':') ? { value: after, key: after } : readPageStart(after, kind);
}
