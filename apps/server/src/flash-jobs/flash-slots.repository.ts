import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import type { FlashJobEntity } from './flash-job.entity.js';

/** A waiting job whose server has not said for so long that its agent is there does not hold up the others. */
const FORGOTTEN_AFTER_MS = 10_000;
/** In these phases a flash takes its share of the network; a comparison may lead to writing at any time. */
const BUSY = `kind = 'flash' AND state IN ('dispatched', 'running') AND (stage IS NULL OR stage IN ('preparing', 'comparing', 'writing'))`;
const WAITING = `state = 'queued' AND waiting_since IS NOT NULL AND waiting_seen_at > $1`;

function borderOf(now: Date): Date {
  return new Date(now.getTime() - FORGOTTEN_AFTER_MS);
}

/** Which flashes take a share of the network now, and which wait for one: across all replicas, and over restarts. */
@Injectable()
export class FlashSlotsRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  /**
   * Whether the job may be handed out within the transaction of `manager`: fewer flashes are busy, together with the jobs
   * that have waited longer, than there are slots. One at a time decides.
   */
  async admitIn(manager: EntityManager, job: FlashJobEntity, slots: number, now: Date): Promise<boolean> {
    await manager.query(`SELECT pg_advisory_xact_lock(hashtext('bty flash slots'))`);
    const [busy, ahead] = [await this.busy(manager), await this.aheadOf(job, now, manager)];
    return busy + ahead < slots;
  }

  /** How many jobs have waited for longer. */
  async aheadOf(job: FlashJobEntity, now: Date, manager: EntityManager = this.source.manager): Promise<number> {
    const since = job.waitingSince ?? now;
    const [found] = await manager.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM flash_jobs WHERE ${WAITING} AND (waiting_since, id) < ($2, $3::uuid)`,
      [borderOf(now), since, job.id],
    );
    return found?.count ?? 0;
  }

  /** The job's agent is there and waits; its place is from when it first did. */
  async wait(id: string, now: Date): Promise<void> {
    await this.source.query(
      `UPDATE flash_jobs SET waiting_since = COALESCE(waiting_since, $2), waiting_seen_at = $2
       WHERE id = $1 AND state = 'queued'`,
      [id, now],
    );
  }

  /** The agents of these jobs are still there. Returns the ones that still wait. */
  async stillThere(ids: readonly string[], now: Date): Promise<Set<string>> {
    const [rows] = await this.source.query<[{ id: string }[], number]>(
      `UPDATE flash_jobs SET waiting_seen_at = $2 WHERE id = ANY($1) AND state = 'queued' RETURNING id`,
      [ids, now],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** The jobs whose turn it is. */
  async next(slots: number, now: Date): Promise<Set<string>> {
    const free = slots - (await this.busy(this.source.manager));
    if (free <= 0) return new Set();
    const rows = await this.source.query<{ id: string }[]>(
      `SELECT id FROM flash_jobs WHERE ${WAITING} ORDER BY waiting_since, id LIMIT $2`,
      [borderOf(now), free],
    );
    return new Set(rows.map(({ id }) => id));
  }

  private async busy(manager: EntityManager): Promise<number> {
    const [found] = await manager.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM flash_jobs WHERE ${BUSY}`,
    );
    return found?.count ?? 0;
  }
}
