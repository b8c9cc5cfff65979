import { ERROR_CODE_NAMES, type ErrorCode } from '@bty/wire-types';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { FlashJobDto, toFlashJobDto } from './flash-job.dto.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import type { OrderOutcome } from './order-outcome.js';

/** Why a machine of an order got no job. */
export class OrderProblemDto {
  @ApiProperty({ enum: ERROR_CODE_NAMES, enumName: 'ErrorCode' })
  code: ErrorCode;

  /** For a person: what stands in the way. */
  message: string;

  /** Facts for a program, for instance `job_id` of the job that the machine has. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: object;
}

/** What came of an order for one machine. */
export class OrderResultDto {
  /** @example '52:54:00:00:00:01' */
  mac: string;

  /** The job that was made, as it is now. */
  @ApiProperty({ type: FlashJobDto, nullable: true })
  job: FlashJobDto | null;

  /** Why there is none. */
  @ApiProperty({ type: OrderProblemDto, nullable: true })
  problem: OrderProblemDto | null;
}

/** What came of an order for a selector. */
export class FlashOrderDto {
  /** Sorted by MAC address. */
  results: OrderResultDto[];
}

/** What the API shows of an order for several machines. */
export function toFlashOrderDto(outcomes: readonly OrderOutcome[], jobs: readonly FlashJobEntity[]): FlashOrderDto {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const results = outcomes.map(({ mac, jobId, problem }) => {
    const job = byId.get(jobId ?? '');
    return { mac, job: job === undefined ? null : toFlashJobDto(job), problem: problem ?? null };
  });
  return { results };
}
