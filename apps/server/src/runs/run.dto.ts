import { parseMacAddress } from '@bty/wire-types';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { FailureDto, invalidFields, PageQuery } from '../http/index.js';
import { ReportFileDto, toReportFileDtos } from '../reports/index.js';
import { RUN_KINDS, type RunEntity, type RunKind } from './run.entity.js';
import { RUN_STATES, type RunState } from './run-state.js';
import type { RunFilter } from './runs.repository.js';

/** An order for a run. */
export class RunPost {
  /**
   * MAC address of the machine, in any case and with any separator.
   * @example '52:54:00:00:00:01'
   */
  @IsString()
  @Length(12, 17)
  mac: string;

  /** Workflow to run, `NAME` or `NAME@DIGEST`; left out, that of the machine's record. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @ApiProperty({ type: String, required: false, nullable: true })
  cijoe_workflow_ref?: string | null;
}

/** Which runs to list. */
export class RunsQuery extends PageQuery {
  /** Only runs of this machine. */
  @IsOptional()
  @IsString()
  @Length(12, 17)
  mac?: string;

  /** Only runs in this state. */
  @IsOptional()
  @IsIn(RUN_STATES)
  @ApiProperty({ enum: RUN_STATES, enumName: 'RunState', required: false })
  state?: RunState;

  /** Only runs of this kind. */
  @IsOptional()
  @IsIn(RUN_KINDS)
  @ApiProperty({ enum: RUN_KINDS, enumName: 'RunKind', required: false })
  kind?: RunKind;

  /** Only runs that belong to this flash job. */
  @IsOptional()
  @IsUUID()
  flash_job_id?: string;

  /** Only runs older than the one with this id. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

/** One line of a run's history. */
export class RunHistoryDto {
  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ enum: RUN_STATES, enumName: 'RunState' })
  state: RunState;

  @ApiProperty({ type: String, nullable: true })
  message: string | null;
}

/** Why a run did not succeed, with facts for a program. */
export class RunFailureDto extends FailureDto {
  /** Facts, for instance `failed_steps`. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: Record<string, unknown>;
}

/** A run: one execution of a cijoe workflow against a machine. */
export class RunDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** @example '52:54:00:00:00:01' */
  mac: string;

  /** `online`: over SSH in the flashed system; `offline`: in the live env, as a part of a flash. */
  @ApiProperty({ enum: RUN_KINDS, enumName: 'RunKind' })
  kind: RunKind;

  @ApiProperty({ enum: RUN_STATES, enumName: 'RunState' })
  state: RunState;

  workflow: string;

  /** Version of the workflow. */
  workflow_digest: string;

  /** @example 'token:admin' */
  requested_by: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  flash_job_id: string | null;

  @ApiProperty({ type: String, nullable: true })
  image: string | null;

  @ApiProperty({ type: String, nullable: true })
  image_sha256: string | null;

  /** Where the system answered. */
  @ApiProperty({ type: String, nullable: true })
  address: string | null;

  history: RunHistoryDto[];

  @ApiProperty({ type: RunFailureDto, nullable: true })
  error: RunFailureDto | null;

  /** Files of the report; null when there is none. `GET /runs/{id}/report` gives them all. */
  @ApiProperty({ type: [ReportFileDto], nullable: true })
  report: ReportFileDto[] | null;

  /** Number of the baseline that it recorded. */
  @ApiProperty({ type: 'integer', nullable: true })
  baseline: number | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  /** When the workflow began. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  started_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;
}

/** What a query means. Throws INVALID_REQUEST. */
export function toRunFilter(query: RunsQuery): RunFilter {
  const mac = query.mac === undefined ? undefined : parseMacAddress(query.mac);
  if (query.mac !== undefined && mac === undefined)
    throw invalidFields([{ field: 'mac', problem: 'is not a MAC address' }]);
  return { mac, state: query.state, kind: query.kind, flashJobId: query.flash_job_id, after: query.after };
}

/** What the API shows of a run. */
export function toRunDto(run: RunEntity): RunDto {
  return {
    id: run.id,
    mac: run.mac,
    kind: run.kind,
    state: run.state,
    workflow: run.workflowName,
    workflow_digest: run.workflowDigest,
    requested_by: run.requestedBy,
    flash_job_id: run.flashJobId,
    image: run.imageName,
    image_sha256: run.imageSha256,
    address: run.address,
    history: run.history.map(({ at, state, message = null }) => ({ at, state, message })),
    error: run.error === null ? null : { ...run.error },
    report: toReportFileDtos(run.report),
    baseline: run.baseline,
    created_at: run.createdAt.toISOString(),
    started_at: run.startedAt?.toISOString() ?? null,
    finished_at: run.finishedAt?.toISOString() ?? null,
  } as RunDto;
}
