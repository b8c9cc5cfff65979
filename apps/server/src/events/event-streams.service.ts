import { BtyError } from '@bty/wire-types';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Request, Response } from 'express';
import { type Caller, requiredCaller } from '../http/index.js';
import type { EventEntity } from './event.entity.js';
import { EventOrderRepository, type EventPlace, placeAfter } from './event-order.repository.js';
import { EventTail } from './event-tail.service.js';
import { SseStream } from './sse-stream.js';

const BEAT_INTERVAL_MS = 15_000;
const MAX_READERS = 500;
const PAGE = 100;

/** What one kind of stream sends. */
export interface StreamContent {
  /** Sends events, in order, each once. */
  onEvents(events: readonly EventEntity[]): void | Promise<void>;
  /**
   * Begins for a reader that has missed nothing: it is new, or (`resumed`) what it names is not known any more. What
   * happens after `from` follows by `onEvents`.
   */
  onFresh(resumed: boolean, from: EventPlace): Promise<void>;
}

/** Tells a stream that there is something new, or that it is over. */
class Signal {
  private resolve: (() => void) | undefined;
  private raised = false;

  raise(): void {
    this.raised = true;
    this.resolve?.();
  }

  async next(): Promise<void> {
    if (!this.raised) await new Promise<void>((resolve) => (this.resolve = resolve));
    this.raised = false;
    this.resolve = undefined;
  }
}

/**
 * The streams of events that this process sends. Each reader is served at its own pace: what it has not taken yet stays in
 * Postgres, so that a slow one costs neither memory nor anybody's time.
 */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown, OnModuleDestroy {
  private readonly log = new Logger('Events');
  private readonly streams = new Map<SseStream, Caller>();
  private readonly timer = setInterval(() => this.beat(), BEAT_INTERVAL_MS).unref();

  constructor(
    private readonly tail: EventTail,
    private readonly order: EventOrderRepository,
  ) {}

  get count(): number {
    return this.streams.size;
  }

  /** Whose credentials the readers have shown. */
  get callers(): Caller[] {
    return [...this.streams.values()];
  }

  /** Ends the streams of those whose credential does not hold any more. */
  endUnless(holds: (caller: Caller) => boolean): void {
    for (const [stream, caller] of this.streams) {
      if (!holds(caller)) stream.close('UNAUTHENTICATED', 'the credential of this reader has expired or was revoked');
    }
  }

  beforeApplicationShutdown(): void {
    for (const stream of this.streams.keys()) stream.close('SERVER_RESTART', 'the server is stopping; come back');
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /**
   * Serves a stream until its reader goes. A reader that names the last event it has (`Last-Event-ID`) gets all that it has
   * missed. Throws UNAVAILABLE when there are too many.
   */
  async serve(request: Request, response: Response, contentOf: (stream: SseStream) => StreamContent): Promise<void> {
    if (this.streams.size >= MAX_READERS) {
      throw new BtyError('UNAVAILABLE', `${MAX_READERS} readers follow the events of this server already`);
    }
    const named = request.header('last-event-id');
    const since = named !== undefined && /^\d{1,18}$/.test(named) ? await this.order.placeOf(named) : undefined;
    const news = new Signal();
    let latest: { events: readonly EventEntity[]; from: EventPlace } | undefined;
    const { from, stop } = await this.tail.follow((events, before) => {
      latest = { events, from: before };
      news.raise();
    });
    const stream = new SseStream(request, response);
    this.streams.set(stream, requiredCaller(request));
    void stream.closed.then(() => {
      stop();
      this.streams.delete(stream);
      news.raise();
    });
    const content = contentOf(stream);
    try {
      if (since === undefined) await content.onFresh(named !== undefined, from);
      let place = since ?? from;
      while (stream.isOpen) {
        // Whoever keeps up shares what was read for all; whoever does not reads for itself.
        const shared = latest?.from.id === place.id ? latest.events : undefined;
        const events = shared ?? (await this.order.after(place, PAGE));
        await content.onEvents(events);
        place = placeAfter(events) ?? place;
        await stream.drained();
        if (events.length < PAGE || shared !== undefined) await news.next();
      }
    } catch (error) {
      this.log.warn(`a stream of events ends: ${(error as Error).message}`);
      stream.close('UNAVAILABLE', 'the events cannot be read now; come back');
    }
  }

  private beat(): void {
    for (const stream of this.streams.keys()) stream.beat();
  }
}
