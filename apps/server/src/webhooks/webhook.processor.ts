import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Job } from 'bullmq';
import { CONFIG, type Config } from '../config/index.js';
import { WEBHOOK, WORKER, warnOfQueue } from '../queue/index.js';
import { nextAttempt } from './delivery-plan.js';
import { signedHeaders } from './signature.js';
import { readWebhookOrder, WebhookQueue } from './webhook.queue.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import type { WebhookDeliveryEntity } from './webhook-delivery.entity.js';
import { postJson } from './webhook-post.js';
import { WebhooksRepository } from './webhooks.repository.js';

const RECONCILE_INTERVAL_MS = 2_000;
const CLEAR_INTERVAL_MS = 60 * 60_000;
/** How many receivers are told at once: most of that is waiting. */
const CONCURRENCY = 8;
const DAY_MS = 86_400_000;

/** Tells webhooks. It reads everything from Postgres, so a lost or doubled order does no harm. */
@Processor(WEBHOOK, { ...WORKER, concurrency: CONCURRENCY })
export class WebhookProcessor extends WorkerHost implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Webhooks');
  private readonly stop = new AbortController();
  private timers: NodeJS.Timeout[] = [];

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly queue: WebhookQueue,
    private readonly webhooks: WebhooksRepository,
    private readonly deliveries: WebhookDeliveriesRepository,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    const warn = (error: unknown) => this.log.warn(`webhooks cannot be looked after: ${String(error)}`);
    const due = () => void this.orderDue().catch(warn);
    const clear = () => void this.clear(new Date()).catch(warn);
    this.timers = [setInterval(due, RECONCILE_INTERVAL_MS).unref(), setInterval(clear, CLEAR_INTERVAL_MS).unref()];
  }

  onModuleDestroy(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.stop.abort();
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    warnOfQueue(error);
  }

  @OnWorkerEvent('failed')
  onFailed(_order: unknown, error: Error): void {
    this.log.error(error);
  }

  override async process(order: Job): Promise<void> {
    const data = readWebhookOrder(order.data);
    const delivery = data === undefined ? undefined : await this.deliveries.find(data.deliveryId);
    if (delivery?.state !== 'pending' || delivery.nextAt > new Date()) return;
    await this.deliver(delivery);
  }

  private async deliver(delivery: WebhookDeliveryEntity): Promise<void> {
    const { url, secret } = await this.webhooks.get(delivery.webhookId);
    const body = JSON.stringify(delivery.body);
    const headers = signedHeaders(secret, delivery.id, body, Date.now());
    const { status, problem } = await postJson(url, body, headers, this.stop.signal);
    // It was not the receiver who failed.
    if (this.stop.signal.aborted) return;
    const now = new Date();
    const again = problem === undefined ? undefined : nextAttempt(delivery.attempts + 1, now);
    const ended = again === undefined;
    await this.deliveries.record(delivery, {
      state: problem === undefined ? 'delivered' : ended ? 'failed' : 'pending',
      nextAt: again ?? now,
      lastStatus: status,
      lastError: problem ?? null,
      endedAt: ended ? now : null,
    });
    if (problem !== undefined && ended) this.log.warn(`webhook ${delivery.webhookId} was not reached: ${problem}`);
  }

  private async orderDue(): Promise<void> {
    for (const id of await this.deliveries.due(new Date())) this.queue.order(id);
  }

  private async clear(now: Date): Promise<void> {
    const days = this.config.eventRetentionDays;
    if (days > 0) await this.deliveries.removeBefore(new Date(now.getTime() - days * DAY_MS));
  }
}
