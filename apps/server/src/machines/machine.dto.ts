import {
  BOOT_POLICIES,
  type BootPolicy,
  FLASH_JOB_KINDS,
  FLASH_JOB_STATES,
  FLASH_STAGES,
  type FlashJobKind,
  type FlashJobState,
  type FlashStage,
  Inventory,
  PROVISIONING_MODES,
  type ProvisioningMode,
  TargetHint,
} from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { FailureDto } from '../http/index.js';
import type { MachineEntity } from './machine.entity.js';
import type { ConditionSummary } from './machine-condition.port.js';
import type { JobSummary, MachineJobSummaries } from './machine-jobs.port.js';
import { MACHINE_STATES, type MachineState } from './machine-query.dto.js';

/** What a machine record shows of one of its flash jobs. */
export class JobSummaryDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: FLASH_JOB_KINDS, enumName: 'FlashJobKind' })
  kind: FlashJobKind;

  @ApiProperty({ enum: FLASH_JOB_STATES, enumName: 'FlashJobState' })
  state: FlashJobState;

  /** The phase that it is in, or was in last. */
  @ApiProperty({ enum: FLASH_STAGES, enumName: 'FlashStage', nullable: true })
  stage: FlashStage | null;

  /** Name of the image. */
  image: string;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;

  @ApiProperty({ type: FailureDto, nullable: true })
  error: FailureDto | null;
}

/** What a run that has succeeded left the machine looking like. `GET /machines/{mac}/baseline` has all of it. */
export class KnownGoodDto {
  /** Number of the baseline. */
  @ApiProperty({ type: 'integer' })
  baseline: number;

  @ApiProperty({ format: 'date-time' })
  recorded_at: string;

  @ApiProperty({ format: 'uuid' })
  run_id: string;

  /** SHA-256 of the image file, hex. */
  @ApiProperty({ type: String, nullable: true })
  image_sha256: string | null;

  /** Name of the workflow. */
  workflow: string;

  /** SHA-256 of its version, hex. */
  workflow_digest: string;
}

/** What the last comparison of the machine with its baseline has found. */
export class DriftSummaryDto {
  @ApiProperty({ format: 'date-time' })
  checked_at: string;

  /** How many things differ. */
  @ApiProperty({ type: 'integer' })
  differences: number;
}

/** A machine record as lists show it. */
export class MachineDto {
  /** @example '52:54:00:00:00:01' */
  mac: string;

  /** State of its active flash job, else of its last one, else `idle`. */
  @ApiProperty({ enum: MACHINE_STATES, enumName: 'MachineState' })
  state: MachineState;

  @ApiProperty({ enum: BOOT_POLICIES, enumName: 'BootPolicy' })
  boot_policy: BootPolicy;

  @ApiProperty({ enum: PROVISIONING_MODES, enumName: 'ProvisioningMode' })
  provisioning_mode: ProvisioningMode;

  /** Name of the image that the machine is to have. */
  @ApiProperty({ type: String, nullable: true })
  image: string | null;

  /** Host name of the flashed system. */
  @ApiProperty({ type: String, nullable: true })
  hostname: string | null;

  /** The CIJOE workflow that belongs to the machine, `NAME` or `NAME@DIGEST`. */
  @ApiProperty({ type: String, nullable: true })
  cijoe_workflow_ref: string | null;

  /** Which disk is the target; null: the only one that may be written. */
  @ApiProperty({ type: TargetHint, nullable: true })
  target_hint: TargetHint | null;

  /** Where the flashed system answers SSH, when that is not the address that PXE saw. */
  @ApiProperty({ type: String, nullable: true })
  ssh_host: string | null;

  /** Account that workflows and drift checks log in to. */
  ssh_user: string;

  /** Name of a private key; null is the installation's own. */
  @ApiProperty({ type: String, nullable: true })
  ssh_key: string | null;

  /** What a drift check leaves out, beside what always changes. */
  drift_ignore: string[];

  /** Machines that share a tag form a pool. */
  tags: string[];

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  /** When an operator's field changed last. */
  @ApiProperty({ format: 'date-time' })
  updated_at: string;

  /** First contact of the machine itself. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  discovered_at: string | null;

  /** Last PXE contact or connection of an agent. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  last_seen_at: string | null;

  /** Where its last contact came from. */
  @ApiProperty({ type: String, nullable: true })
  last_seen_ip: string | null;

  /** When a flash of it was last reported as done. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  last_flashed_at: string | null;

  /**
   * The other records of the same box, each for one of its network cards, as an agent has seen them under one DMI UUID. A
   * flash job of any of them is a job of the box.
   */
  @ApiProperty({ type: [String], example: ['52:54:00:00:00:02'] })
  linked_macs: string[];

  /** When its own system reported after a boot (`POST /pxe/{mac}/booted`), and from where. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  booted_at: string | null;

  /** Where that report came from. */
  @ApiProperty({ type: String, nullable: true })
  booted_ip: string | null;

  /** SSH host keys of the flashed system, pinned when it was reached for the first time; null until then. */
  @ApiProperty({ type: [String], nullable: true })
  ssh_host_keys: string[] | null;

  /** The known-good baseline. */
  @ApiProperty({ type: KnownGoodDto, nullable: true })
  last_known_good: KnownGoodDto | null;

  @ApiProperty({ type: DriftSummaryDto, nullable: true })
  last_drift_check: DriftSummaryDto | null;

  /** Whether an agent of this machine is connected now, to any server. One that was killed has its agents for 45 s more. */
  agent_connected: boolean;

  /** What the last agent saw of the machine. */
  @ApiProperty({ type: Inventory, nullable: true })
  inventory: Inventory | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  inventory_at: string | null;

  /** The flash job that the machine has to do or is doing; a check as well. */
  @ApiProperty({ type: JobSummaryDto, nullable: true })
  active_flash_job: JobSummaryDto | null;

  /** The flash that ended last; checks are listed by `GET /flash-jobs?kind=check`. */
  @ApiProperty({ type: JobSummaryDto, nullable: true })
  last_flash_job: JobSummaryDto | null;
}

/**
 * One machine record, whole. Lists leave out the texts for cloud-init, and so does everything that roles below `operator` see:
 * they may hold secrets.
 */
export class MachineDetailDto extends MachineDto {
  /** cloud-init's user-data, placeholders not filled in. */
  @ApiProperty({ type: String, nullable: true, required: false })
  user_data?: string | null;

  /** More cloud-init meta-data. */
  @ApiProperty({ type: String, nullable: true, required: false })
  meta_data?: string | null;

  /** cloud-init’s network configuration. */
  @ApiProperty({ type: String, nullable: true, required: false })
  network_config?: string | null;

  /** cloud-init’s vendor-data. */
  @ApiProperty({ type: String, nullable: true, required: false })
  vendor_data?: string | null;
}

function toSummaryDto(job: JobSummary): JobSummaryDto {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    stage: job.stage,
    image: job.image,
    created_at: job.createdAt.toISOString(),
    finished_at: job.finishedAt?.toISOString() ?? null,
    error: job.error === null ? null : { code: job.error.code, message: job.error.message },
  };
}

function conditionDto(
  condition: ConditionSummary | undefined,
): Pick<MachineDto, 'last_known_good' | 'last_drift_check'> {
  if (condition === undefined) return { last_known_good: null, last_drift_check: null };
  const { baseline, drift } = condition;
  return {
    last_known_good: {
      baseline: baseline.version,
      recorded_at: baseline.recordedAt.toISOString(),
      run_id: baseline.runId,
      image_sha256: baseline.imageSha256,
      workflow: baseline.workflowName,
      workflow_digest: baseline.workflowDigest,
    },
    last_drift_check: drift ? { checked_at: drift.checkedAt.toISOString(), differences: drift.differences } : null,
  };
}

/** What is known of a machine outside its record. */
export interface MachineSurroundings {
  readonly jobs: MachineJobSummaries;
  readonly linkedMacs: readonly string[];
  readonly condition: ConditionSummary | undefined;
  readonly agentConnected: boolean;
}

/** What the API shows of a machine. */
export function toMachineDto(machine: MachineEntity, around: MachineSurroundings): MachineDto {
  const { jobs } = around;
  return {
    mac: machine.mac,
    state: jobs.active?.state ?? jobs.last?.state ?? 'idle',
    boot_policy: machine.bootPolicy,
    provisioning_mode: machine.provisioningMode,
    image: machine.image,
    hostname: machine.hostname,
    cijoe_workflow_ref: machine.cijoeWorkflowRef,
    target_hint: machine.targetHint,
    ssh_host: machine.sshHost,
    ssh_user: machine.sshUser,
    ssh_key: machine.sshKey,
    drift_ignore: machine.driftIgnore,
    tags: machine.tags,
    created_at: machine.createdAt.toISOString(),
    updated_at: machine.updatedAt.toISOString(),
    discovered_at: machine.discoveredAt?.toISOString() ?? null,
    last_seen_at: machine.lastSeenAt?.toISOString() ?? null,
    last_seen_ip: machine.lastSeenIp,
    last_flashed_at: machine.lastFlashedAt?.toISOString() ?? null,
    linked_macs: [...around.linkedMacs],
    booted_at: machine.bootedAt?.toISOString() ?? null,
    booted_ip: machine.bootedIp,
    ssh_host_keys: machine.sshHostKeys,
    ...conditionDto(around.condition),
    agent_connected: around.agentConnected,
    inventory: machine.inventory,
    inventory_at: machine.inventoryAt?.toISOString() ?? null,
    active_flash_job: jobs.active === undefined ? null : toSummaryDto(jobs.active),
    last_flash_job: jobs.last === undefined ? null : toSummaryDto(jobs.last),
  };
}
