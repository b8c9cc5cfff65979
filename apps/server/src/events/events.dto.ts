import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PageQuery } from '../http/index.js';
import type { EventEntity } from './event.entity.js';

/** Which events to show. */
export class EventsQuery extends PageQuery {
  /**
   * Only events of this subject.
   * @example 'machine/52:54:00:00:00:01'
   */
  @IsOptional()
  @IsString()
  @MaxLength(300)
  subject?: string;

  /** Only events older than the one with this id. */
  @IsOptional()
  @Matches(/^\d{1,18}$/)
  after?: string;
}

/** One change of state. */
export class EventDto {
  /** Ascending number, as text. */
  id: string;

  @ApiProperty({ format: 'date-time' })
  at: string;

  /**
   * What was changed.
   * @example 'machine/52:54:00:00:00:01'
   */
  subject: string;

  /** @example 'machine.discovered' */
  action: string;

  /**
   * Who changed it.
   * @example 'token:admin'
   */
  actor: string;

  /** Address from which it was changed. */
  @ApiProperty({ type: String, nullable: true })
  ip: string | null;

  /** The changed fields as they were. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  before: Record<string, unknown> | null;

  /** The changed fields as they are since. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  after: Record<string, unknown> | null;
}

/** What the API shows of an event. */
export function toEventDto(event: EventEntity): EventDto {
  const { id, at, subject, action, actor, ip, before, after } = event;
  return { id, at: at.toISOString(), subject, action, actor, ip, before, after };
}
