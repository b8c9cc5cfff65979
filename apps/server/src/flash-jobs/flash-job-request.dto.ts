import {
  FLASH_JOB_KINDS,
  FLASH_JOB_STATES,
  type FlashJobKind,
  type FlashJobState,
  type MacAddress,
  PROVISIONING_MODES,
  type ProvisioningMode,
  parseMacAddress,
  TargetHint,
  VERIFY_MODES,
  type VerifyMode,
} from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';
import { invalidFields, PageQuery } from '../http/index.js';
import { SeedTextsPut, toSeedTexts } from '../provisioning/index.js';
import type { JobFilter } from './flash-jobs.repository.js';
import type { JobTarget, JobWish } from './job-order.js';

function IsMac(options?: ValidationOptions): PropertyDecorator {
  const message = '$property must be the MAC address of a network card';
  const validate = (value: unknown) => typeof value === 'string' && parseMacAddress(value) !== undefined;
  return ValidateBy({ name: 'isMac', validator: { validate, defaultMessage: () => message } }, options);
}

function readMac(field: string, text: string): MacAddress {
  const mac = parseMacAddress(text);
  if (mac === undefined) throw invalidFields([{ field, problem: 'is not a MAC address' }]);
  return mac;
}

/** Which machines to flash: those for which all holds that is given. At least one thing has to be given. */
export class MachineSelectorDto {
  /** They are among these. One that has no record is refused in the answer. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(500)
  @IsMac({ each: true })
  @ApiProperty({ type: [String], required: false, example: ['52:54:00:00:00:01'] })
  macs?: string[];

  /** They have all of these tags. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @Length(1, 255, { each: true })
  @ApiProperty({ type: [String], required: false, example: ['nvme'] })
  tags?: string[];

  /** They are in this pool: the machines that have it as a tag. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @ApiProperty({ type: String, required: false, example: 'rack-3' })
  pool?: string;

  /** Their record names this image. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @ApiProperty({ type: String, required: false, example: 'debian.img' })
  image?: string;
}

/**
 * An order for flash jobs, to flash or to check: of one machine (`mac`) or several (`selector`). A text for cloud-init that is given
 * counts instead of the record's.
 */
export class FlashJobPost extends SeedTextsPut {
  /**
   * MAC address of the machine, in any case and with any separator.
   * @example '52:54:00:00:00:01'
   */
  @IsOptional()
  @IsMac()
  @ApiProperty({ type: String, required: false, example: '52:54:00:00:00:01' })
  mac?: string;

  /** In place of `mac`: each machine that it matches gets a job, or is refused, for itself; at most 500. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => MachineSelectorDto)
  @ApiProperty({ type: MachineSelectorDto, required: false })
  selector?: MachineSelectorDto;

  /**
   * `check` compares the target with the image, tells where it differs in `check_result`, and writes nothing. It takes
   * no `verify`, no provisioning mode, no workflow and no texts.
   */
  @IsOptional()
  @IsIn(FLASH_JOB_KINDS)
  @ApiProperty({ enum: FLASH_JOB_KINDS, enumName: 'FlashJobKind', required: false, default: 'flash' })
  kind?: FlashJobKind | null;

  /** Name of the image; left out, that of the machine's record. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @ApiProperty({ type: String, required: false, nullable: true })
  image?: string | null;

  /** What is read back from the disk. */
  @IsOptional()
  @IsIn(VERIFY_MODES)
  @ApiProperty({ enum: VERIFY_MODES, enumName: 'VerifyMode', required: false, default: 'full' })
  verify?: VerifyMode | null;

  /** What configures the system after the flash; left out, that of the machine's record. */
  @IsOptional()
  @IsIn(PROVISIONING_MODES)
  @ApiProperty({ enum: PROVISIONING_MODES, enumName: 'ProvisioningMode', required: false, nullable: true })
  provisioning_mode?: ProvisioningMode | null;

  /** Workflow for the modes `cijoe` and `cijoe-online`, `NAME` or `NAME@DIGEST`; left out, that of the machine's record. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @ApiProperty({ type: String, required: false, nullable: true })
  cijoe_workflow_ref?: string | null;

  /** Which disk is the target; left out, that of the machine's record. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TargetHint)
  @ApiProperty({ type: TargetHint, required: false, nullable: true })
  target_hint?: TargetHint | null;
}

/** Which flash jobs to list. */
export class FlashJobsQuery extends PageQuery {
  /** Only jobs of this machine. */
  @IsOptional()
  @IsMac()
  @ApiProperty({ type: String, required: false, example: '52:54:00:00:00:01' })
  mac?: string;

  /** Only jobs of this kind. */
  @IsOptional()
  @IsIn(FLASH_JOB_KINDS)
  @ApiProperty({ enum: FLASH_JOB_KINDS, enumName: 'FlashJobKind', required: false })
  kind?: FlashJobKind;

  /** Only jobs in this state. */
  @IsOptional()
  @IsIn(FLASH_JOB_STATES)
  @ApiProperty({ enum: FLASH_JOB_STATES, enumName: 'FlashJobState', required: false })
  state?: FlashJobState;

  /** Only jobs older than the one with this id. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

/** How long to wait for the end of a job. */
export class WaitQuery {
  /** Seconds to wait for the end, 0 to 600: the answer comes when the job has ended, or then. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(600)
  @ApiProperty({ type: 'integer', required: false, default: 0, minimum: 0, maximum: 600 })
  wait?: number;
}

/** Which machines an order is for. Throws INVALID_REQUEST unless that is said in one way. */
export function toJobTarget({ mac, selector }: FlashJobPost): JobTarget {
  if ((mac == null) === (selector == null)) {
    throw invalidFields([{ field: 'mac', problem: 'give either mac or selector' }]);
  }
  if (mac != null) return { mac: readMac('mac', mac) };
  const { macs, tags, pool, image } = selector ?? {};
  const both = [...(tags ?? []), ...(pool == null ? [] : [pool])];
  if (macs == null && both.length === 0 && image == null) {
    throw invalidFields([{ field: 'selector', problem: 'must say which machines: macs, tags, pool or image' }]);
  }
  return {
    selector: {
      macs: macs?.map((one) => readMac('selector.macs', one)),
      tags: both.length === 0 ? undefined : both,
      image: image ?? undefined,
    },
  };
}

/** What an order is to do with each machine. */
export function toJobWish(body: FlashJobPost): JobWish {
  const hint = body.target_hint ?? {};
  return {
    kind: body.kind ?? 'flash',
    image: body.image ?? undefined,
    verify: body.verify ?? undefined,
    targetHint: Object.keys(hint).length === 0 ? undefined : hint,
    provisioningMode: body.provisioning_mode ?? undefined,
    cijoeWorkflowRef: body.cijoe_workflow_ref ?? undefined,
    texts: toSeedTexts(body),
  };
}

/** What a query means. */
export function toJobFilter(query: FlashJobsQuery): JobFilter {
  return {
    ...(query.mac === undefined ? {} : { mac: readMac('mac', query.mac) }),
    ...(query.kind === undefined ? {} : { kind: query.kind }),
    ...(query.state === undefined ? {} : { state: query.state }),
    ...(query.after === undefined ? {} : { after: query.after }),
  };
}
