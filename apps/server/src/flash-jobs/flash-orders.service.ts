import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Actor, invalidFields, type RevisionCheck } from '../http/index.js';
import { type MachineSelector, MachinesRepository } from '../machines/index.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { type ChangeTransaction, FlashJobChangesRepository, jobRevision } from './flash-job-changes.repository.js';
import { FlashJobCreate } from './flash-job-create.service.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { type JobOrder, type JobTarget, type JobWish, orderHash } from './job-order.js';
import { isActive } from './job-state.js';
import { noneTaken, type OrderOutcome, refusal } from './order-outcome.js';

/** More machines than this are not flashed by one order. */
const MAX_MACHINES = 500;
const CLEAR_INTERVAL_MS = 60 * 60_000;

/** Who orders. */
export interface Orderer {
  readonly actor: Actor;
  /** Tag of the machines that the orderer may see; undefined: all. */
  readonly pool: string | undefined;
  /** The Idempotency-Key of the order. */
  readonly key: string | undefined;
}

/** What came of an order. */
export interface TakenOrder {
  readonly outcomes: readonly OrderOutcome[];
  /** The order had been carried out before, under the same key. */
  readonly repeated: boolean;
  /** The jobs that were made just now. */
  readonly made: readonly FlashJobEntity[];
}

/** Takes the orders of people and pipelines. */
@Injectable()
export class FlashOrders implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('FlashJobs');
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly keys: IdempotencyKeysRepository,
    private readonly machines: MachinesRepository,
    private readonly creation: FlashJobCreate,
    private readonly changes: FlashJobChangesRepository,
    private readonly jobs: FlashJobsRepository,
  ) {}

  onApplicationBootstrap(): void {
    const clear = () => {
      const warn = (error: unknown) => this.log.warn(`old idempotency keys cannot be removed: ${String(error)}`);
      this.keys.removeExpired(new Date()).catch(warn);
    };
    this.timer = setInterval(clear, CLEAR_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /**
   * Makes the jobs of an order. Of several machines each is taken or refused for itself. The same key with the same order
   * gives the same jobs. Throws what {@link FlashJobCreate.makeIn} does for a single machine; for a selector NOT_FOUND when
   * it matches nothing, INVALID_REQUEST when it matches too much, CONFLICT when no machine can be taken.
   */
  async take(target: JobTarget, wish: JobWish, { actor, pool, key }: Orderer, now: Date): Promise<TakenOrder> {
    const made: FlashJobEntity[] = [];
    const order = { holder: actor.name, key, requestHash: orderHash(target, wish) };
    const taken = await this.keys.once(order, now, async (manager) => {
      made.length = 0;
      if ('selector' in target) {
        const macs = await this.selected(target.selector, pool);
        const orders = macs.map((mac) => ({ ...wish, mac, pool }));
        return this.makeAll(manager, orders, actor, now, made);
      }
      made.push(await this.creation.makeIn(manager, { ...wish, mac: target.mac, pool }, actor, now));
      return made.map(({ mac, id }) => ({ mac, jobId: id }));
    });
    for (const job of made) this.creation.announce(job, actor);
    return { ...taken, made };
  }

  /** Orders again what has failed or was cancelled. Throws NOT_FOUND, CONFLICT for any other state, IMAGE_CHANGED, JOB_ACTIVE. */
  async retry(id: string, actor: Actor, check: RevisionCheck, now: Date): Promise<FlashJobEntity> {
    const earlier = await this.changes.read(id);
    check(jobRevision(earlier));
    if (isActive(earlier.state) || earlier.state === 'succeeded') {
      throw new BtyError(
        'CONFLICT',
        `the job is ${earlier.state}; only one that failed or was cancelled is done again`,
      );
    }
    const job = await this.changes.within((manager) => this.creation.againIn(manager, earlier, actor, now));
    this.creation.announce(job, actor);
    return job;
  }

  /** The jobs of an order as they are now. */
  async jobsOf(outcomes: readonly OrderOutcome[]): Promise<FlashJobEntity[]> {
    return this.jobs.findAll(outcomes.flatMap(({ jobId }) => jobId ?? []));
  }

  private async selected(selector: MachineSelector, pool: string | undefined): Promise<MacAddress[]> {
    const found = await this.machines.select({ ...selector, pool }, MAX_MACHINES + 1);
    // A machine that is named and has no record is refused by name below, not passed over.
    const macs = [...new Set([...found, ...(selector.macs ?? [])])].sort();
    if (macs.length === 0) throw new BtyError('NOT_FOUND', 'the selector matches no machine');
    if (macs.length > MAX_MACHINES) {
      const problem = `matches more than ${MAX_MACHINES} machines; narrow it down`;
      throw invalidFields([{ field: 'selector', problem }]);
    }
    return macs;
  }

  private async makeAll(
    manager: ChangeTransaction,
    orders: readonly JobOrder[],
    actor: Actor,
    now: Date,
    made: FlashJobEntity[],
  ): Promise<OrderOutcome[]> {
    const outcomes: OrderOutcome[] = [];
    for (const order of orders) {
      const { mac } = order;
      try {
        const job = await manager.transaction((nested) => this.creation.makeIn(nested, order, actor, now));
        made.push(job);
        outcomes.push({ mac, jobId: job.id });
      } catch (error) {
        if (!(error instanceof BtyError) || error.code === 'INTERNAL') throw error;
        outcomes.push(refusal(mac, error));
      }
    }
    if (made.length === 0) throw noneTaken(outcomes);
    return outcomes;
  }
}
