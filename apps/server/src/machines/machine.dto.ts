import {
  BOOT_POLICIES,
  type BootPolicy,
  FLASH_JOB_STATES,
  FLASH_STAGES,
  type FlashJobState,
  type FlashStage,
  Inventory,
  PROVISIONING_MODES,
  type ProvisioningMode,
  TargetHint,
} from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { FailureDto, PageQuery } from '../http/index.js';
import type { MachineEntity } from './machine.entity.js';
import type { JobSummary, MachineJobSummaries } from './machine-jobs.port.js';

/** Which machines to list. */
export class MachinesQuery extends PageQuery {
  /** Only machines with this tag. */
  @IsOptional()
  @IsString()
  tag?: string;

  /** Only machines with this boot policy. */
  @IsOptional()
  @IsIn(BOOT_POLICIES)
  @ApiProperty({ enum: BOOT_POLICIES, enumName: 'BootPolicy', required: false })
  boot_policy?: BootPolicy;

  /** Only machines whose MAC address sorts after this one. */
  @IsOptional()
  @Matches(/^[0-9a-f:]{17}$/)
  after?: string;
}

/** What a machine record shows of one of its flash jobs. */
export class JobSummaryDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

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

/** A machine record as lists show it. */
export class MachineDto {
  /** @example '52:54:00:00:00:01' */
  mac: string;

  @ApiProperty({ enum: BOOT_POLICIES, enumName: 'BootPolicy' })
  boot_policy: BootPolicy;

  @ApiProperty({ enum: PROVISIONING_MODES, enumName: 'ProvisioningMode' })
  provisioning_mode: ProvisioningMode;

  @ApiProperty({ type: String, nullable: true })
  image: string | null;

  @ApiProperty({ type: String, nullable: true })
  hostname: string | null;

  @ApiProperty({ type: String, nullable: true })
  cijoe_workflow_ref: string | null;

  @ApiProperty({ type: TargetHint, nullable: true })
  target_hint: TargetHint | null;

  @ApiProperty({ type: String, nullable: true })
  ssh_host: string | null;

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

  @ApiProperty({ type: String, nullable: true })
  last_seen_ip: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  last_flashed_at: string | null;

  /**
   * The other records of the same box, each for one of its network cards, as an agent has seen them under one DMI UUID. A
   * flash job of any of them is a job of the box.
   */
  @ApiProperty({ type: [String], example: ['52:54:00:00:00:02'] })
  linked_macs: string[];

  /** Whether an agent of this machine is connected now. */
  agent_connected: boolean;

  /** What the last agent saw of the machine. */
  @ApiProperty({ type: Inventory, nullable: true })
  inventory: Inventory | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  inventory_at: string | null;

  /** The flash job that the machine has to do or is doing. */
  @ApiProperty({ type: JobSummaryDto, nullable: true })
  active_flash_job: JobSummaryDto | null;

  /** The flash job that ended last. */
  @ApiProperty({ type: JobSummaryDto, nullable: true })
  last_flash_job: JobSummaryDto | null;
}

/** One machine record, whole. Lists leave out the texts for cloud-init: they are long and may hold secrets. */
export class MachineDetailDto extends MachineDto {
  /** cloud-init's user-data, placeholders not filled in. */
  @ApiProperty({ type: String, nullable: true })
  user_data: string | null;

  @ApiProperty({ type: String, nullable: true })
  meta_data: string | null;

  @ApiProperty({ type: String, nullable: true })
  network_config: string | null;

  @ApiProperty({ type: String, nullable: true })
  vendor_data: string | null;
}

function toSummaryDto(job: JobSummary): JobSummaryDto {
  return {
    id: job.id,
    state: job.state,
    stage: job.stage,
    image: job.image,
    created_at: job.createdAt.toISOString(),
    finished_at: job.finishedAt?.toISOString() ?? null,
    error: job.error === null ? null : { code: job.error.code, message: job.error.message },
  };
}

/** What is known of a machine outside its record. */
export interface MachineSurroundings {
  readonly jobs: MachineJobSummaries;
  readonly linkedMacs: readonly string[];
  readonly agentConnected: boolean;
}

/** What the API shows of a machine. */
export function toMachineDto(machine: MachineEntity, around: MachineSurroundings): MachineDto {
  const { jobs } = around;
  return {
    mac: machine.mac,
    boot_policy: machine.bootPolicy,
    provisioning_mode: machine.provisioningMode,
    image: machine.image,
    hostname: machine.hostname,
    cijoe_workflow_ref: machine.cijoeWorkflowRef,
    target_hint: machine.targetHint,
    ssh_host: machine.sshHost,
    tags: machine.tags,
    created_at: machine.createdAt.toISOString(),
    updated_at: machine.updatedAt.toISOString(),
    discovered_at: machine.discoveredAt?.toISOString() ?? null,
    last_seen_at: machine.lastSeenAt?.toISOString() ?? null,
    last_seen_ip: machine.lastSeenIp,
    last_flashed_at: machine.lastFlashedAt?.toISOString() ?? null,
    linked_macs: [...around.linkedMacs],
    agent_connected: around.agentConnected,
    inventory: machine.inventory,
    inventory_at: machine.inventoryAt?.toISOString() ?? null,
    active_flash_job: jobs.active === undefined ? null : toSummaryDto(jobs.active),
    last_flash_job: jobs.last === undefined ? null : toSummaryDto(jobs.last),
  };
}
