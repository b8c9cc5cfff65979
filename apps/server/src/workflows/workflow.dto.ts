import { ApiProperty } from '@nestjs/swagger';
import { WORKFLOW_STATES, type WorkflowState, type WorkflowVersionEntity } from './workflow-version.entity.js';

/** One version of a workflow. */
export class WorkflowVersionDto {
  /** @example 'smoke' */
  name: string;

  /** SHA-256 of the archive that `GET` gives, hex: the same files have the same digest. */
  digest: string;

  /** `checking`: cijoe has not looked at it yet; `ready`: it may be run; `refused`: cijoe does not take it. */
  @ApiProperty({ enum: WORKFLOW_STATES, enumName: 'WorkflowState' })
  state: WorkflowState;

  /** What cijoe said when it refused it. */
  @ApiProperty({ type: String, nullable: true })
  problem: string | null;

  /** The file that cijoe runs. */
  main_file: string;

  files: string[];

  /** Length of the archive in bytes. */
  @ApiProperty({ type: 'integer' })
  size_bytes: number;

  @ApiProperty({ format: 'date-time' })
  put_at: string;

  /** @example 'token:admin' */
  put_by: string;
}

/** A workflow: what `cijoe_workflow_ref` names. */
export class WorkflowDto {
  /** @example 'smoke' */
  name: string;

  /** The version that the name alone means: the newest that is ready. */
  @ApiProperty({ type: String, nullable: true })
  digest: string | null;

  /** Newest first. */
  versions: WorkflowVersionDto[];
}

/** What the API shows of a version. */
export function toVersionDto(version: WorkflowVersionEntity): WorkflowVersionDto {
  const { name, digest, state, problem, mainFile, files, sizeBytes, putAt, putBy } = version;
  const put = { put_at: putAt.toISOString(), put_by: putBy };
  return { name, digest, state, problem, main_file: mainFile, files, size_bytes: sizeBytes, ...put };
}

/** What the API shows of a workflow; `versions` are all of its name, newest first. */
export function toWorkflowDto(name: string, versions: readonly WorkflowVersionEntity[]): WorkflowDto {
  const digest = versions.find(({ state }) => state === 'ready')?.digest ?? null;
  return { name, digest, versions: versions.map(toVersionDto) };
}
