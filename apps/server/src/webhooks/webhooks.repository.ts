import { randomUUID } from 'node:crypto';
import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { newWebhookSecret } from './signature.js';
import { WebhookEntity } from './webhook.entity.js';

/** What an operator says about a webhook. */
export interface WebhookFields {
  readonly url: string;
  readonly description: string;
  readonly actions: string[];
  readonly enabled: boolean;
}

function audited({ url, description, actions, enabled }: WebhookFields): Record<string, unknown> {
  return { url, description, actions, enabled };
}

/** Webhooks. */
@Injectable()
export class WebhooksRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  /** All of them, oldest first. */
  async all(): Promise<WebhookEntity[]> {
    return this.source.getRepository(WebhookEntity).find({ order: { createdAt: 'ASC', id: 'ASC' } });
  }

  /** Whether anybody is to be told of anything. */
  async areThereAny(): Promise<boolean> {
    return this.source.getRepository(WebhookEntity).existsBy({ enabled: true });
  }

  /** Throws NOT_FOUND. */
  async get(id: string, manager: EntityManager = this.source.manager): Promise<WebhookEntity> {
    const found = await manager.findOneBy(WebhookEntity, { id });
    if (found === null) throw new BtyError('NOT_FOUND', `there is no webhook ${id}`);
    return found;
  }

  async add(fields: WebhookFields, actor: Actor, now: Date): Promise<WebhookEntity> {
    const times = { hearsSince: now, createdAt: now, updatedAt: now };
    const webhook = { ...fields, ...times, id: randomUUID(), secret: newWebhookSecret() };
    await this.source.transaction(async (manager) => {
      await manager.insert(WebhookEntity, webhook);
      await this.note(manager, webhook.id, 'webhook.created', actor, undefined, fields);
    });
    return webhook;
  }

  /** Replaces what the operator says; the key stays. Throws NOT_FOUND. */
  async replace(id: string, fields: WebhookFields, actor: Actor, now: Date): Promise<WebhookEntity> {
    return this.source.transaction(async (manager) => {
      const before = await this.get(id, manager);
      const hearsSince = before.enabled ? before.hearsSince : now;
      await manager.update(WebhookEntity, { id }, { ...fields, hearsSince, updatedAt: now });
      await this.note(manager, id, 'webhook.changed', actor, before, fields);
      return this.get(id, manager);
    });
  }

  /** Throws NOT_FOUND. */
  async remove(id: string, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const before = await this.get(id, manager);
      await manager.query('DELETE FROM webhook_deliveries WHERE webhook_id = $1', [id]);
      await manager.delete(WebhookEntity, { id });
      await this.note(manager, id, 'webhook.removed', actor, before, undefined);
    });
  }

  private async note(
    manager: EntityManager,
    id: string,
    action: string,
    actor: Actor,
    before: WebhookFields | undefined,
    after: WebhookFields | undefined,
  ): Promise<void> {
    await this.events.append(manager, {
      subject: `webhook/${id}`,
      action,
      actor,
      before: before === undefined ? undefined : audited(before),
      after: after === undefined ? undefined : audited(after),
    });
  }
}
