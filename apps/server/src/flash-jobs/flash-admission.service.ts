import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { AgentPresence } from '../machines/index.js';
import { AgentDispatcher } from './agent-dispatcher.port.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import type { ChangeTransaction } from './flash-job-changes.repository.js';
import { flashSlots } from './flash-slots.js';
import { FlashSlotsRepository } from './flash-slots.repository.js';

const LOOK_INTERVAL_MS = 1_000;
/** How often an agent that waits hears again how many are ahead of it. */
const TELL_INTERVAL_MS = 15_000;

interface Waiting {
  /** Of the agent, which may have booted from another card than the job is for. */
  readonly mac: string;
  toldAt: number;
}

/**
 * Lets only so many flashes at once fetch images as the server's budget bears, first come, first served. Who waits is in
 * Postgres; this process looks after the agents that are connected to it.
 */
@Injectable()
export class FlashAdmission implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('FlashJobs');
  private readonly waiting = new Map<string, Waiting>();
  private readonly slots: number;
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly repository: FlashSlotsRepository,
    private readonly agents: AgentDispatcher,
    private readonly presence: AgentPresence,
  ) {
    this.slots = flashSlots(config);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.look(), LOOK_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** How many agents of this process wait. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Whether the job may be handed out now, within the transaction that does so. */
  async admitIn(manager: ChangeTransaction, job: FlashJobEntity, now: Date): Promise<boolean> {
    if (this.slots === Number.POSITIVE_INFINITY) return true;
    return this.repository.admitIn(manager, job, this.slots, now);
  }

  /** The job has to wait for its turn, and so has its agent. Returns how many are ahead of it. */
  async queue(job: FlashJobEntity, mac: string, now: Date): Promise<number> {
    await this.repository.wait(job.id, now);
    this.waiting.set(job.id, { mac, toldAt: now.getTime() });
    return this.repository.aheadOf(job, now);
  }

  private async look(): Promise<void> {
    for (const [id, { mac }] of this.waiting) if (!this.presence.isHere(mac)) this.waiting.delete(id);
    if (this.waiting.size === 0 || this.looking) return;
    this.looking = true;
    try {
      await this.callUp(new Date());
    } catch (error) {
      this.log.warn(`whose turn it is cannot be read: ${(error as Error).message}`);
    } finally {
      this.looking = false;
    }
  }

  private async callUp(now: Date): Promise<void> {
    const there = await this.repository.stillThere([...this.waiting.keys()], now);
    const next = await this.repository.next(this.slots, now);
    for (const [id, waiting] of [...this.waiting]) {
      if (!there.has(id)) this.waiting.delete(id);
      else if (next.has(id) || now.getTime() - waiting.toldAt > TELL_INTERVAL_MS) {
        waiting.toldAt = now.getTime();
        this.agents.notify(waiting.mac);
      }
    }
  }
}
