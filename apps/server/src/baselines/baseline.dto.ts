import { ApiProperty } from '@nestjs/swagger';
import type { BaselineEntity } from './baseline.entity.js';
import type { BaselineHead } from './baselines.repository.js';
import { type Difference, differencesText } from './diff-facts.js';
import type { DriftFinding } from './drift.service.js';
import { FACT_SECTIONS, type FactSection } from './facts.js';

/** A known-good baseline, without its facts. */
export class BaselineHeadDto {
  mac: string;

  /** Counts the baselines of the machine, from 1. */
  @ApiProperty({ type: 'integer' })
  version: number;

  /** Whether the machine is compared with this one. */
  current: boolean;

  @ApiProperty({ format: 'date-time' })
  recorded_at: string;

  /** The run that succeeded. */
  @ApiProperty({ format: 'uuid' })
  run_id: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  flash_job_id: string | null;

  /** What was on the disk: the image of the last flash, as far as the server knows. */
  @ApiProperty({ type: String, nullable: true })
  image: string | null;

  /** SHA-256 of the image file, hex. */
  @ApiProperty({ type: String, nullable: true })
  image_sha256: string | null;

  workflow: string;

  /** Version of the workflow. */
  workflow_digest: string;
}

/** A known-good baseline. */
export class BaselineDto extends BaselineHeadDto {
  /** Per section (`packages`, `etc`, `services` ...) names with their values. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'object', additionalProperties: { type: 'string' } },
  })
  facts: Record<string, Record<string, string>>;
}

/** One thing that is not as the baseline has it. */
export class DifferenceDto {
  @ApiProperty({ enum: FACT_SECTIONS, enumName: 'FactSection' })
  section: FactSection;

  /** @example '/etc/motd' */
  name: string;

  /** Null when it is new. */
  @ApiProperty({ type: String, nullable: true })
  before: string | null;

  /** Null when it is gone. */
  @ApiProperty({ type: String, nullable: true })
  after: string | null;
}

/** What a comparison of a machine with its baseline has found. */
export class DriftDto {
  mac: string;

  /** Whether anything differs. */
  drifted: boolean;

  @ApiProperty({ format: 'date-time' })
  checked_at: string;

  /** Number of the baseline. */
  @ApiProperty({ type: 'integer' })
  baseline: number;

  @ApiProperty({ format: 'date-time' })
  baseline_recorded_at: string;

  differences: DifferenceDto[];

  /** The differences for a person. */
  text: string;
}

/** What the API shows of a baseline in lists. */
export function toHeadDto(baseline: BaselineHead): BaselineHeadDto {
  return {
    mac: baseline.mac,
    version: baseline.version,
    current: baseline.current,
    recorded_at: baseline.recordedAt.toISOString(),
    run_id: baseline.runId,
    flash_job_id: baseline.flashJobId,
    image: baseline.imageName,
    image_sha256: baseline.imageSha256,
    workflow: baseline.workflowName,
    workflow_digest: baseline.workflowDigest,
  };
}

/** What the API shows of a baseline. */
export function toBaselineDto(baseline: BaselineEntity): BaselineDto {
  return { ...toHeadDto(baseline), facts: baseline.facts as BaselineDto['facts'] };
}

/** A check as a person reads it. */
export function driftText({ mac, baseline, baselineAt, differences }: DriftFinding): string {
  const which = `baseline ${baseline} of ${baselineAt.toISOString()}`;
  if (differences.length === 0) return `${mac} is as its ${which}\n`;
  return `${mac} differs from its ${which}\n\n${differencesText(differences)}`;
}

/** What the API shows of a check. */
export function toDriftDto(finding: DriftFinding): DriftDto {
  const { mac, baseline, baselineAt, checkedAt, differences } = finding;
  return {
    mac,
    drifted: differences.length > 0,
    checked_at: checkedAt.toISOString(),
    baseline,
    baseline_recorded_at: baselineAt.toISOString(),
    differences: differences.map(({ section, name, before, after }: Difference) => ({ section, name, before, after })),
    text: driftText(finding),
  };
}
