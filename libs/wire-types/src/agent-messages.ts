// before the first @Type; a bundle leaves index.ts out
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  Equals,
  IsDefined,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { CheckResult } from './check-result.js';
import { PROTOCOL_LIMITS } from './close-codes.js';
import { FLASH_STAGES, type FlashStage, LIVE_ENV_MODES, type LiveEnvMode } from './enums.js';
import { ERROR_CODE_NAMES, type ErrorCode } from './error-codes.js';
import { FlashResult } from './flash-result.js';
import { Inventory } from './inventory.js';

const MAX_INT = Number.MAX_SAFE_INTEGER;
const SECRET = /^[A-Za-z0-9_-]{20,128}$/;

/** Names one attempt of one flash job. A message with an epoch that is not the job's current one is stale. */
export class JobRef {
  @IsUUID()
  job_id: string;

  /** Counts the hand-outs of a job, from 1. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  epoch: number;
}

/** First frame of every connection. Exactly one of `boot_token` and `session` is given. */
export class AgentHello {
  @Equals('agent.hello')
  type: 'agent.hello';

  /** The MAC address that the machine booted with (`bty.mac`), `aa:bb:cc:dd:ee:ff`. */
  @IsString()
  @MaxLength(17)
  mac: string;

  @IsIn(LIVE_ENV_MODES)
  mode: LiveEnvMode;

  /** From the kernel command line; single use. */
  @IsOptional()
  @Matches(SECRET)
  boot_token?: string;

  /** From an earlier `session.opened`. */
  @IsOptional()
  @Matches(SECRET)
  session?: string;

  /** Random, made once per start of the live env: the same token with the same nonce is the same exchange. */
  @IsString()
  @Matches(SECRET)
  nonce: string;

  @IsString()
  @Length(1, 64)
  agent_version: string;

  @IsDefined()
  @ValidateNested()
  @Type(() => Inventory)
  inventory: Inventory;

  /** The job that this agent is carrying out right now, when it reconnects in the middle of one. */
  @IsOptional()
  @ValidateNested()
  @Type(() => JobRef)
  current_job?: JobRef;
}

/** A job has entered a stage. Acknowledged. */
export class FlashStageReport extends JobRef {
  @Equals('flash.stage')
  type: 'flash.stage';

  /** Number of this report within the session's outbox, ascending; the same number is the same report. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  seq: number;

  @IsIn(FLASH_STAGES)
  stage: FlashStage;
}

/** How far the stage is. Lossy: at most four a second, never repeated. */
export class FlashProgress extends JobRef {
  @Equals('flash.progress')
  type: 'flash.progress';

  @IsIn(FLASH_STAGES)
  stage: FlashStage;

  /** Bytes done in this stage. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_done: number;

  /** Bytes that this stage will do; absent when nobody knows. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_total?: number;

  /** Over the last few seconds. */
  @IsInt()
  @Min(0)
  @Max(MAX_INT)
  bytes_per_second: number;
}

/** Asks for the right to write the first MiB, which makes the disk bootable. Answered by `commit.grant` or `commit.refuse`. */
export class CommitRequest extends JobRef {
  @Equals('commit.request')
  type: 'commit.request';
}

/** Why a job failed. */
export class FlashFailure {
  @IsIn(ERROR_CODE_NAMES)
  code: ErrorCode;

  /** For a person: what happened, where, and what to do. */
  @IsString()
  @MaxLength(4096)
  message: string;

  /** For a program: errno, LBA, offsets, the disks that were refused and why. */
  @IsOptional()
  @IsObject()
  details?: Record<string, unknown>;
}

/** The job is over. Acknowledged; `result` comes with `succeeded`, `error` with `failed`. */
export class FlashFinished extends JobRef {
  @Equals('flash.finished')
  type: 'flash.finished';

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  seq: number;

  @IsIn(['succeeded', 'failed'])
  outcome: 'succeeded' | 'failed';

  @ValidateIf((message: FlashFinished) => message.outcome === 'succeeded' || message.result !== undefined)
  @IsDefined()
  @ValidateNested()
  @Type(() => FlashResult)
  result?: FlashResult;

  @ValidateIf((message: FlashFinished) => message.outcome === 'failed' || message.error !== undefined)
  @IsDefined()
  @ValidateNested()
  @Type(() => FlashFailure)
  error?: FlashFailure;
}

/** A check is over. Acknowledged; `result` comes with `succeeded`, whether the disk is equal or not, `error` with `failed`. */
export class CheckFinished extends JobRef {
  @Equals('check.finished')
  type: 'check.finished';

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  seq: number;

  @IsIn(['succeeded', 'failed'])
  outcome: 'succeeded' | 'failed';

  @ValidateIf((message: CheckFinished) => message.outcome === 'succeeded' || message.result !== undefined)
  @IsDefined()
  @ValidateNested()
  @Type(() => CheckResult)
  result?: CheckResult;

  @ValidateIf((message: CheckFinished) => message.outcome === 'failed' || message.error !== undefined)
  @IsDefined()
  @ValidateNested()
  @Type(() => FlashFailure)
  error?: FlashFailure;
}

/** A part of a job's log: what a workflow prints, while it runs; or of a failed job all, kernel messages included. Acknowledged. */
export class FlashLog extends JobRef {
  @Equals('flash.log')
  type: 'flash.log';

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  seq: number;

  /** Number of this part: from 0 of what a workflow prints, from `maxOutputParts` of a failed job's own log. */
  @IsInt()
  @Min(0)
  @Max(PROTOCOL_LIMITS.maxOutputParts + PROTOCOL_LIMITS.maxLogParts - 1)
  part: number;

  @IsString()
  @MaxLength(PROTOCOL_LIMITS.maxLogPartChars)
  text: string;
}

/** The agent is about to reboot into the disk. Acknowledged: the acknowledgement opens the first-boot window. */
export class AgentRebooting extends JobRef {
  @Equals('agent.rebooting')
  type: 'agent.rebooting';

  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  seq: number;
}

/** Every message from an agent to the server, by its `type`. */
export const AGENT_MESSAGES = {
  'agent.hello': AgentHello,
  'flash.stage': FlashStageReport,
  'flash.progress': FlashProgress,
  'commit.request': CommitRequest,
  'flash.finished': FlashFinished,
  'check.finished': CheckFinished,
  'flash.log': FlashLog,
  'agent.rebooting': AgentRebooting,
} as const;

export type AgentMessage = InstanceType<(typeof AGENT_MESSAGES)[keyof typeof AGENT_MESSAGES]>;

/** Messages that stay in the agent's outbox until the server has acknowledged them. */
export type AcknowledgedMessage = Extract<AgentMessage, { seq: number }>;
