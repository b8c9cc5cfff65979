import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EventEntity } from './event.entity.js';
import { EventOrderRepository, type EventPlace, placeAfter } from './event-order.repository.js';

/** How often Postgres is asked while anybody follows; an event is as old as this at most when it is told. */
const LOOK_INTERVAL_MS = 100;
const BATCH = 200;

/** Told of the events after a place, in order, each once. Must not throw, nor take long. */
export type EventListener = (events: readonly EventEntity[], from: EventPlace) => void;

/**
 * Follows the events of all replicas. It reads them from Postgres, where every change of state writes its event in its own
 * transaction: so none is missed, whichever process made it, and there is no second way on which to lose one.
 */
@Injectable()
export class EventTail implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Events');
  private readonly listeners = new Set<EventListener>();
  private place: Promise<EventPlace> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly order: EventOrderRepository) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.order.repairRestored();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Tells `listener` of every event after the place that it returns, until `stop` is called. */
  async follow(listener: EventListener): Promise<{ from: EventPlace; stop: () => void }> {
    const stop = () => void this.listeners.delete(listener);
    for (;;) {
      this.place ??= this.order.end();
      const { place } = this;
      let from: EventPlace;
      try {
        from = await place;
      } catch (error) {
        if (this.place === place) this.place = undefined;
        throw error;
      }
      // It has moved on meanwhile: what came in between was not told to this listener.
      if (this.place !== place) continue;
      this.listeners.add(listener);
      this.timer ??= this.soon(LOOK_INTERVAL_MS);
      return { from, stop };
    }
  }

  private soon(delayMs: number): NodeJS.Timeout | undefined {
    return this.stopped ? undefined : setTimeout(() => void this.look(), delayMs).unref();
  }

  private async look(): Promise<void> {
    let full = false;
    try {
      full = await this.read();
    } catch (error) {
      if (!this.stopped) this.log.warn(`events cannot be read: ${(error as Error).message}`);
    }
    if (this.listeners.size > 0) {
      this.timer = this.soon(full ? 0 : LOOK_INTERVAL_MS);
      return;
    }
    // Nobody follows: the next one begins at what is the end then.
    this.timer = undefined;
    this.place = undefined;
  }

  private async read(): Promise<boolean> {
    if (this.place === undefined) return false;
    const from = await this.place;
    const events = await this.order.after(from, BATCH);
    const next = placeAfter(events);
    if (next === undefined) return false;
    this.place = Promise.resolve(next);
    for (const listener of [...this.listeners]) listener(events, from);
    return events.length === BATCH;
  }
}
