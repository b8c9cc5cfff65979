// before the first @Type; a bundle leaves index.ts out
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  Equals,
  IsDefined,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { JobRef } from './agent-messages.js';
import {
  IMAGE_FORMATS,
  type ImageFormat,
  PROVISIONING_MODES,
  type ProvisioningMode,
  VERIFY_MODES,
  type VerifyMode,
} from './enums.js';
import { ERROR_CODE_NAMES, type ErrorCode } from './error-codes.js';
import { FlashedTarget } from './flash-result.js';
import { JobWorkflow } from './job-workflow.js';
import { NoCloudSeed } from './nocloud-seed.js';
import { TargetHint } from './target-hint.js';

const MAX_INT = Number.MAX_SAFE_INTEGER;
const HEX_256 = /^[0-9a-f]{64}$/;

/** Answer to `agent.hello`. */
export class SessionOpened {
  @Equals('session.opened')
  type: 'session.opened';

  /** Credential for every later connection of this boot. */
  @IsString()
  @Length(20, 128)
  session: string;

  /** The server's clock. */
  @IsISO8601()
  server_time: string;
}

/** Where the agent gets the map of an image, which says what each chunk of the disk holds and where the pack has it. */
export class JobMap {
  /** Path and query on the server that the agent is connected to. */
  @IsString()
  @Matches(/^\/[\x21-\x7e]*$/)
  @MaxLength(2048)
  path: string;

  /** Length of the map in bytes. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  size_bytes: number;

  /** BLAKE3-256 of the map, which the agent checks; all other digests stand in it. */
  @Matches(HEX_256)
  blake3: string;
}

/** The image of a job: fixed by digest when the job is created. */
export class JobImage {
  @IsString()
  @Length(1, 255)
  name: string;

  @IsIn(IMAGE_FORMATS)
  format: ImageFormat;

  /** Length of the file as uploaded, in bytes. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  size_bytes: number;

  /** Length of the raw disk in bytes. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  content_size_bytes: number;

  /** SHA-256 of the file as uploaded. */
  @Matches(HEX_256)
  sha256: string;

  /** SHA-256 of the raw disk's bytes. */
  @Matches(HEX_256)
  content_sha256: string;

  @IsDefined()
  @ValidateNested()
  @Type(() => JobMap)
  map: JobMap;
}

/** Hands a job to the agent. The same job and epoch may be sent again after a reconnect; it is then the same order. */
export class FlashStart extends JobRef {
  @Equals('flash.start')
  type: 'flash.start';

  @IsDefined()
  @ValidateNested()
  @Type(() => JobImage)
  image: JobImage;

  @IsOptional()
  @ValidateNested()
  @Type(() => TargetHint)
  target_hint?: TargetHint;

  /** The disk that the machine's last successful flash wrote: signatures of LVM, RAID or ZFS on it do not protect it. */
  @IsOptional()
  @ValidateNested()
  @Type(() => FlashedTarget)
  last_target?: FlashedTarget;

  @IsIn(VERIFY_MODES)
  verify: VerifyMode;

  /** What the agent has to do on the disk before the reboot; `cijoe-online` is `none` here. */
  @IsIn(PROVISIONING_MODES)
  provisioning_mode: ProvisioningMode;

  /** What cloud-init finds at the first boot; always there when the mode is `cloud-init`. Holds secrets: never logged. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => NoCloudSeed)
  seed?: NoCloudSeed;

  /** What cijoe runs on the flashed disk; always there when the mode is `cijoe`. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => JobWorkflow)
  workflow?: JobWorkflow;
}

/** Hands a check to the agent: it compares and writes nothing. As `flash.start`, it may come again after a reconnect. */
export class CheckStart extends JobRef {
  @Equals('check.start')
  type: 'check.start';

  @IsDefined()
  @ValidateNested()
  @Type(() => JobImage)
  image: JobImage;

  @IsOptional()
  @ValidateNested()
  @Type(() => TargetHint)
  target_hint?: TargetHint;

  /** The disk that the machine's last successful flash wrote. */
  @IsOptional()
  @ValidateNested()
  @Type(() => FlashedTarget)
  last_target?: FlashedTarget;
}

/** The machine has a job, and it is not its turn yet: too many others are being flashed. Said again now and then. */
export class FlashWait {
  @Equals('flash.wait')
  type: 'flash.wait';

  @IsUUID()
  job_id: string;

  /** How many jobs have waited for longer. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  ahead: number;
}

/** Stops a job that the agent holds. A partial write stays unbootable. */
export class FlashCancel extends JobRef {
  @Equals('flash.cancel')
  type: 'flash.cancel';

  @IsIn(ERROR_CODE_NAMES)
  code: ErrorCode;

  @IsString()
  @MaxLength(1024)
  reason: string;
}

/** The agent may write the first MiB now. */
export class CommitGrant extends JobRef {
  @Equals('commit.grant')
  type: 'commit.grant';
}

/** The agent must not write the first MiB: its epoch is stale, or the job is over. */
export class CommitRefuse extends JobRef {
  @Equals('commit.refuse')
  type: 'commit.refuse';

  @IsIn(ERROR_CODE_NAMES)
  code: ErrorCode;

  @IsString()
  @MaxLength(1024)
  reason: string;
}

/** The report with this number is stored, or was stored before; the agent drops it from its outbox. */
export class ReportAck {
  @Equals('report.ack')
  type: 'report.ack';

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  seq: number;
}

/** Tells an agent without a job to boot the local disk: the work of this boot is done already. */
export class AgentReboot {
  @Equals('agent.reboot')
  type: 'agent.reboot';

  @IsString()
  @MaxLength(1024)
  reason: string;
}

/** Every message from the server to an agent, by its `type`. */
export const SERVER_MESSAGES = {
  'session.opened': SessionOpened,
  'flash.start': FlashStart,
  'check.start': CheckStart,
  'flash.wait': FlashWait,
  'flash.cancel': FlashCancel,
  'commit.grant': CommitGrant,
  'commit.refuse': CommitRefuse,
  'report.ack': ReportAck,
  'agent.reboot': AgentReboot,
} as const;

export type ServerMessage = InstanceType<(typeof SERVER_MESSAGES)[keyof typeof SERVER_MESSAGES]>;

/** Hands a job to an agent. */
export type JobStart = FlashStart | CheckStart;
