import { BOOT_POLICIES, type BootPolicy, PROVISIONING_MODES, type ProvisioningMode, TargetHint } from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { SeedTextsPut, toSeedTexts } from '../provisioning/index.js';
import { HOSTNAME, isHost } from './hostname.js';
import { DEFAULT_SSH_USER, type MachineFields, seedTextsOf, toSeedFields } from './machine-fields.js';

// Everything but control characters, which could forge a line in a script, a log or a terminal.
const NO_CONTROL = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u;
const TAG = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function IsHost(): PropertyDecorator {
  const message = '$property must be a host name or an IP address';
  return ValidateBy({ name: 'isHost', validator: { validate: isHostText, defaultMessage: () => message } });
}

function isHostText(value: unknown): boolean {
  return typeof value === 'string' && isHost(value);
}

/** The operator's fields of a machine record. A field that is left out returns to its default. */
export class MachinePut extends SeedTextsPut {
  /** What the machine gets at a PXE contact: its local disk, a flash, or the interactive live env. */
  @IsOptional()
  @IsIn(BOOT_POLICIES)
  @ApiProperty({ enum: BOOT_POLICIES, enumName: 'BootPolicy', required: false, default: 'local' })
  boot_policy?: BootPolicy | null;

  /** What configures the system after the flash. This version can carry out all but `cijoe`. */
  @IsOptional()
  @IsIn(PROVISIONING_MODES)
  @ApiProperty({ enum: PROVISIONING_MODES, enumName: 'ProvisioningMode', required: false, default: 'none' })
  provisioning_mode?: ProvisioningMode | null;

  /**
   * Name of an image of the catalogue.
   * @example 'debian-13.img'
   */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(NO_CONTROL, { message: '$property must not have control characters' })
  @ApiProperty({ type: String, required: false, nullable: true })
  image?: string | null;

  /**
   * Host name of the flashed system, as RFC 1123 has it.
   * @example 'node-1'
   */
  @IsOptional()
  @Matches(HOSTNAME, { message: '$property must be a host name as RFC 1123 has it' })
  @ApiProperty({ type: String, required: false, nullable: true })
  hostname?: string | null;

  /** Which CIJOE workflow belongs to the machine. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(NO_CONTROL, { message: '$property must not have control characters' })
  @ApiProperty({ type: String, required: false, nullable: true })
  cijoe_workflow_ref?: string | null;

  /** Which disk is the target; without it the machine must have exactly one that may be written. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TargetHint)
  @ApiProperty({ type: TargetHint, required: false, nullable: true })
  target_hint?: TargetHint | null;

  /**
   * Where the flashed system answers SSH, when that is not the address that PXE saw.
   * @example 'node-1.lab.example'
   */
  @IsOptional()
  @IsHost()
  @ApiProperty({ type: String, required: false, nullable: true })
  ssh_host?: string | null;

  /**
   * Account that workflows and drift checks log in to. One that is not root needs sudo without a password.
   * @example 'root'
   */
  @IsOptional()
  @Matches(/^[a-z_][a-z0-9_-]{0,31}$/, { message: '$property must be the name of an account' })
  @ApiProperty({ type: String, required: false, default: DEFAULT_SSH_USER })
  ssh_user?: string | null;

  /** Name of a private key in `$BTY_STATE_DIR/ssh-keys`; left out, the installation's own key. */
  @IsOptional()
  @Matches(TAG, { message: '$property must be 1 to 63 letters, digits and ._- only' })
  @ApiProperty({ type: String, required: false, nullable: true })
  ssh_key?: string | null;

  /**
   * What a drift check leaves out, beside what always changes: a path, or SECTION:NAME, with `*` for anything.
   * @example ['/etc/cups/*', 'packages:linux-image-*']
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @Length(1, 255, { each: true })
  @Matches(NO_CONTROL, { each: true, message: 'each of $property must not have control characters' })
  @ApiProperty({ type: [String], required: false, default: [] })
  drift_ignore?: string[] | null;

  /**
   * Machines that share a tag form a pool.
   * @example ['nvme', 'rack-2']
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(64)
  @ArrayUnique()
  @Matches(TAG, { each: true, message: 'each of $property must be 1 to 63 letters, digits and ._- only' })
  @ApiProperty({ type: [String], required: false, default: [] })
  tags?: string[] | null;
}

/** The fields that a PUT means, its defaults filled in. */
export function toMachineFields(body: MachinePut): MachineFields {
  const hint = body.target_hint ?? {};
  return {
    bootPolicy: body.boot_policy ?? 'local',
    provisioningMode: body.provisioning_mode ?? 'none',
    image: body.image ?? null,
    hostname: body.hostname ?? null,
    cijoeWorkflowRef: body.cijoe_workflow_ref ?? null,
    targetHint: Object.keys(hint).length === 0 ? null : hint,
    sshHost: body.ssh_host ?? null,
    sshUser: body.ssh_user ?? DEFAULT_SSH_USER,
    sshKey: body.ssh_key ?? null,
    driftIgnore: body.drift_ignore ?? [],
    tags: body.tags ?? [],
    ...toSeedFields(toSeedTexts(body)),
  };
}

/** The body of a PUT that would leave a record as it is. */
export function toMachinePut(fields: MachineFields): Record<string, unknown> {
  return {
    boot_policy: fields.bootPolicy,
    provisioning_mode: fields.provisioningMode,
    image: fields.image,
    hostname: fields.hostname,
    cijoe_workflow_ref: fields.cijoeWorkflowRef,
    target_hint: fields.targetHint,
    ssh_host: fields.sshHost,
    ssh_user: fields.sshUser,
    ssh_key: fields.sshKey,
    drift_ignore: fields.driftIgnore,
    tags: fields.tags,
    ...seedTextsOf(fields),
  };
}
