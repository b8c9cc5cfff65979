import { MayBeAbsent } from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  MaxLength,
  ValidateBy,
} from 'class-validator';
import { PageQuery } from '../http/index.js';
import { shownSecret } from './signature.js';
import type { WebhookEntity } from './webhook.entity.js';
import { DELIVERY_STATES, type DeliveryState, type WebhookDeliveryEntity } from './webhook-delivery.entity.js';
import type { WebhookFields } from './webhooks.repository.js';

const ACTION = /^[a-z-]+\.([a-z-]+|\*)$/;

function isReceiver(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password, hash } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
}

function IsReceiver(): PropertyDecorator {
  const defaultMessage = () => '$property must be an http or https address without a password or fragment in it';
  return ValidateBy({ name: 'isReceiver', validator: { validate: isReceiver, defaultMessage } });
}

/** What an operator says about a webhook. */
export class WebhookPut {
  /** Where events are posted to. */
  @IsString()
  @Length(1, 2048)
  @IsReceiver()
  @ApiProperty({ type: String, example: 'https://ci.example.org/bty' })
  url: string;

  /** What it is for. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(1000)
  @ApiProperty({ type: String, required: false, default: '' })
  description?: string;

  /** The actions of which it hears, `flash-job.*` for all of a kind; empty is all there are. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(50)
  @IsString({ each: true })
  @Matches(ACTION, { each: true })
  @ApiProperty({ type: [String], required: false, default: [], example: ['flash-job.succeeded', 'flash-job.failed'] })
  actions?: string[];

  /** Whether it is told anything; what happens while it is not is never told. */
  @MayBeAbsent()
  @IsBoolean()
  @ApiProperty({ type: Boolean, required: false, default: true })
  enabled?: boolean;
}

/** A webhook. */
export class WebhookDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  url: string;

  description: string;

  actions: string[];

  enabled: boolean;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;
}

/** A webhook that was just made. */
export class NewWebhookDto extends WebhookDto {
  /**
   * The key with which the receiver checks signatures (standardwebhooks.com). It is not shown again.
   * @example 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
   */
  secret: string;
}

/** Which deliveries to list. */
export class DeliveriesQuery extends PageQuery {
  /** Only deliveries older than the one with this id. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

/** One event for one webhook. */
export class DeliveryDto {
  /** What the receiver got as `webhook-id`; the same at every attempt. */
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** Id of the event. */
  event_id: string;

  /** @example 'flash-job.succeeded' */
  action: string;

  @ApiProperty({ enum: DELIVERY_STATES, enumName: 'DeliveryState' })
  state: DeliveryState;

  /** How often it was tried. */
  @ApiProperty({ type: 'integer' })
  attempts: number;

  /** When it is tried next; null when it has ended. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  next_at: string | null;

  /** Status of the last answer; null when there was none. */
  @ApiProperty({ type: 'integer', nullable: true })
  last_status: number | null;

  /** Why the last attempt failed. */
  @ApiProperty({ type: String, nullable: true })
  last_error: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  ended_at: string | null;
}

/** What a body means. */
export function toWebhookFields({ url, description, actions, enabled }: WebhookPut): WebhookFields {
  return { url, description: description ?? '', actions: actions ?? [], enabled: enabled ?? true };
}

/** What the API shows of a webhook. */
export function toWebhookDto(webhook: WebhookEntity): WebhookDto {
  const { id, url, description, actions, enabled, createdAt, updatedAt } = webhook;
  const times = { created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
  return { id, url, description, actions, enabled, ...times };
}

/** What the API shows of a webhook once, when it is made. */
export function toNewWebhookDto(webhook: WebhookEntity): NewWebhookDto {
  return { ...toWebhookDto(webhook), secret: shownSecret(webhook.secret) };
}

/** What the API shows of a delivery. */
export function toDeliveryDto(delivery: WebhookDeliveryEntity): DeliveryDto {
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    action: String(delivery.body['type']),
    state: delivery.state,
    attempts: delivery.attempts,
    next_at: delivery.state === 'pending' ? delivery.nextAt.toISOString() : null,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    created_at: delivery.createdAt.toISOString(),
    ended_at: delivery.endedAt?.toISOString() ?? null,
  };
}
