import { randomUUID } from 'node:crypto';
import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, LessThan, LessThanOrEqual } from 'typeorm';
import { type EventEntity, EventOrderRepository, EventsRepository, toEventDto } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { hears } from './delivery-plan.js';
import { WebhookEntity } from './webhook.entity.js';
import { WebhookCursorEntity } from './webhook-cursor.entity.js';
import { WebhookDeliveryEntity } from './webhook-delivery.entity.js';

const BATCH = 500;
const CURSOR = 1;
const MAX_DUE = 1_000;

/** What is told to webhooks, what was, and what could not be. */
@Injectable()
export class WebhookDeliveriesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly order: EventOrderRepository,
    private readonly events: EventsRepository,
  ) {}

  /**
   * Makes a delivery of each new event for each webhook that hears of it. One process at a time does it, and no event is
   * passed over or told twice, whoever stops in between. Returns the deliveries, and whether there may be more.
   */
  async takeEvents(now: Date): Promise<{ made: string[]; more: boolean }> {
    return this.source.transaction(async (manager) => {
      const cursor = await manager
        .createQueryBuilder(WebhookCursorEntity, 'cursor')
        .where({ id: CURSOR })
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .getOne();
      if (cursor === null) return { made: [], more: false };
      const place = { tx: cursor.tx, id: cursor.eventId };
      const events = await this.order.after(place, BATCH, manager);
      const last = events.at(-1);
      if (last === undefined) return { made: [], more: false };
      const webhooks = await manager.findBy(WebhookEntity, { enabled: true });
      const rows = events.flatMap((event) => webhooks.flatMap((webhook) => deliveryOf(webhook, event, now)));
      if (rows.length > 0) await manager.insert(WebhookDeliveryEntity, rows as object[]);
      await manager.update(WebhookCursorEntity, { id: CURSOR }, { tx: last.tx, eventId: last.id });
      return { made: rows.map(({ id }) => id), more: events.length === BATCH };
    });
  }

  /** Makes the cursor at the first start. */
  async startCursor(): Promise<void> {
    const { tx, id } = await this.order.end();
    await this.source.query(
      'INSERT INTO webhook_cursor (id, tx, event_id) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING',
      [CURSOR, tx, id],
    );
  }

  /** While nobody was to be told, the cursor has stayed behind. */
  async moveCursorToEnd(): Promise<void> {
    const { tx, id } = await this.order.end();
    await this.source.getRepository(WebhookCursorEntity).update({ id: CURSOR }, { tx, eventId: id });
  }

  async find(id: string): Promise<WebhookDeliveryEntity | undefined> {
    return (await this.source.getRepository(WebhookDeliveryEntity).findOneBy({ id })) ?? undefined;
  }

  /** Ids of the deliveries that are due. */
  async due(now: Date): Promise<string[]> {
    const found = await this.source.getRepository(WebhookDeliveryEntity).find({
      select: { id: true },
      where: { state: 'pending', nextAt: LessThanOrEqual(now) },
      order: { nextAt: 'ASC' },
      take: MAX_DUE,
    });
    return found.map(({ id }) => id);
  }

  /** Newest first, at most `limit`, older than the delivery `before`. */
  async page(webhookId: string, before: string | undefined, limit: number): Promise<WebhookDeliveryEntity[]> {
    const query = this.source
      .getRepository(WebhookDeliveryEntity)
      .createQueryBuilder('delivery')
      .where('delivery.webhookId = :webhookId', { webhookId })
      .orderBy('delivery.eventId', 'DESC');
    if (before !== undefined) {
      query.andWhere(
        'delivery.eventId < (SELECT border.event_id FROM webhook_deliveries border WHERE border.id = :before)',
        { before },
      );
    }
    return query.limit(limit).getMany();
  }

  /** Stores what came of an attempt, unless another process has stored the same attempt. */
  async record(
    { id, attempts }: WebhookDeliveryEntity,
    outcome: Pick<WebhookDeliveryEntity, 'state' | 'nextAt' | 'lastStatus' | 'lastError' | 'endedAt'>,
  ): Promise<void> {
    const set = { ...outcome, attempts: attempts + 1 };
    await this.source.getRepository(WebhookDeliveryEntity).update({ id, attempts, state: 'pending' }, set);
  }

  /** Makes a delivery that has ended due again. Throws NOT_FOUND, and CONFLICT while it is on its way. */
  async again(webhookId: string, id: string, actor: Actor, now: Date): Promise<WebhookDeliveryEntity> {
    return this.source.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const found = await manager.findOne(WebhookDeliveryEntity, { where: { id, webhookId }, lock });
      if (found === null) throw new BtyError('NOT_FOUND', `there is no delivery ${id} of this webhook`);
      if (found.state === 'pending') throw new BtyError('CONFLICT', 'the delivery is on its way already');
      const set = { state: 'pending', attempts: 0, nextAt: now, endedAt: null } as const;
      await manager.update(WebhookDeliveryEntity, { id }, set);
      const facts = { delivery: id, event: found.eventId };
      const [before, after] = [
        { ...facts, state: found.state },
        { ...facts, state: set.state },
      ];
      const change = { subject: `webhook/${webhookId}`, action: 'webhook.delivery-ordered', actor, before, after };
      await this.events.append(manager, change);
      return { ...found, ...set };
    });
  }

  /** Forgets deliveries from before a time that are not on their way. */
  async removeBefore(time: Date): Promise<void> {
    const old = { createdAt: LessThan(time) };
    const repository = this.source.getRepository(WebhookDeliveryEntity);
    await repository.delete([
      { ...old, state: 'delivered' },
      { ...old, state: 'failed' },
    ]);
  }
}

function deliveryOf(webhook: WebhookEntity, event: EventEntity, now: Date): WebhookDeliveryEntity[] {
  if (event.at < webhook.hearsSince || !hears(webhook.actions, event.action)) return [];
  const body = { type: event.action, timestamp: event.at.toISOString(), data: toEventDto(event) };
  const outcome = { lastStatus: null, lastError: null, endedAt: null };
  const times = { nextAt: now, createdAt: now };
  const place = { id: randomUUID(), webhookId: webhook.id, eventId: event.id };
  return [{ ...place, ...times, ...outcome, body, state: 'pending', attempts: 0 }];
}
