import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { EventTail } from '../events/index.js';
import { WebhookQueue } from './webhook.queue.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhooksRepository } from './webhooks.repository.js';

/** What another replica has changed about the webhooks is noticed after so long. */
const LOOK_INTERVAL_MS = 2_000;

/** Turns events into deliveries, as soon as they happen, while there is any webhook. */
@Injectable()
export class WebhookRelay implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Webhooks');
  private timer: NodeJS.Timeout | undefined;
  private stopFollowing: (() => void) | undefined;
  private work: Promise<void> = Promise.resolve();
  private due = false;

  constructor(
    private readonly tail: EventTail,
    private readonly webhooks: WebhooksRepository,
    private readonly deliveries: WebhookDeliveriesRepository,
    private readonly queue: WebhookQueue,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.deliveries.startCursor();
    await this.look();
    const look = () => {
      this.look().catch((error: unknown) => this.log.warn(`the webhooks cannot be read: ${String(error)}`));
    };
    this.timer = setInterval(look, LOOK_INTERVAL_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    this.stopFollowing?.();
    await this.work;
  }

  /** There may be a first webhook in a moment: what has happened until now is nothing to it. */
  async prepare(): Promise<void> {
    if (!(await this.webhooks.areThereAny())) await this.deliveries.moveCursorToEnd();
  }

  /** Begins to follow with the first webhook, and ends with the last. */
  async look(): Promise<void> {
    const wanted = await this.webhooks.areThereAny();
    if (wanted) {
      this.stopFollowing ??= (await this.tail.follow(() => this.relay())).stop;
      this.relay();
    } else if (!wanted && this.stopFollowing !== undefined) {
      this.stopFollowing();
      this.stopFollowing = undefined;
    }
  }

  private relay(): void {
    if (this.due) return;
    this.due = true;
    this.work = this.work.then(async () => {
      this.due = false;
      try {
        let more = true;
        while (more) {
          const taken = await this.deliveries.takeEvents(new Date());
          for (const id of taken.made) this.queue.order(id);
          more = taken.more;
        }
      } catch (error) {
        this.log.warn(`events are told to webhooks later: ${(error as Error).message}`);
      }
    });
  }
}
