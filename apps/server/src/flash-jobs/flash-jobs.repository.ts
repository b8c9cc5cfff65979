import type { FlashedTarget, FlashResult } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { plainRow, plainRows } from '../db/index.js';
import { ImageUse } from '../images/index.js';
import {
  type FlashUnderWay,
  type JobSummary,
  MACS_OF_BOX,
  MachineBoxesRepository,
  type MachineJobSummaries,
  MachineJobs,
} from '../machines/index.js';
import { FlashJobEntity } from './flash-job.entity.js';
import type { EarlierFlash } from './predicted-duration.js';

/** How many earlier flashes say what is usual. */
const MAX_EARLIER = 10;
const ACTIVE = ['queued', 'dispatched', 'running'] as const;

/** Which jobs to list. */
export interface JobFilter {
  /** Tag of the machines whose jobs the caller may see; undefined: all. */
  readonly pool?: string | undefined;
  readonly mac?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: string | undefined;
  /** Only jobs older than the one with this id. */
  readonly after?: string | undefined;
}

/** A summary leaves out what makes a job long: its history, its seed, its result. */
const SUMMARY_COLUMNS = [
  'id',
  'mac',
  'kind',
  'state',
  'stage',
  'imageName',
  'createdAt',
  'finishedAt',
  'error',
] as const satisfies readonly (keyof FlashJobEntity)[];

function summaryOf(job: Pick<FlashJobEntity, (typeof SUMMARY_COLUMNS)[number]>): JobSummary {
  const { id, kind, state, stage, imageName, createdAt, finishedAt, error } = job;
  return { id, kind, state, stage, image: imageName, createdAt, finishedAt, error };
}

/** What is known of flash jobs. */
@Injectable()
export class FlashJobsRepository implements MachineJobs, ImageUse {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly boxes: MachineBoxesRepository,
  ) {}

  /** Resolves when Postgres answers. */
  async check(): Promise<void> {
    await this.source.query('SELECT 1');
  }

  async find(id: string): Promise<FlashJobEntity | undefined> {
    return plainRow(this.all().where('job.id = :id', { id }));
  }

  /** The active job of a machine: that of this record before that of another record of the same box. */
  async activeOf(mac: string, manager: EntityManager = this.source.manager): Promise<FlashJobEntity | undefined> {
    const query = manager
      .createQueryBuilder(FlashJobEntity, 'job')
      .where(`job.mac = ANY(${MACS_OF_BOX}) AND job.state IN ('queued', 'dispatched', 'running')`, { mac })
      .orderBy('job.createdAt', 'ASC');
    const active = await plainRows(query);
    return active.find((job) => job.mac === mac) ?? active[0];
  }

  async lastTarget(mac: string): Promise<FlashedTarget | undefined> {
    const where = { mac: In(await this.boxes.macsOf(mac)), kind: 'flash', state: 'succeeded' } as const;
    const order = { finishedAt: 'DESC' } as const;
    return (await this.source.getRepository(FlashJobEntity).findOne({ where, order }))?.result?.target;
  }

  /** The flash that is on the machine's disk, as far as this server knows. */
  async lastSucceededOf(mac: string): Promise<FlashJobEntity | undefined> {
    const order = { finishedAt: 'DESC' } as const;
    const where = { mac, kind: 'flash', state: 'succeeded' } as const;
    return (await this.source.getRepository(FlashJobEntity).findOne({ where, order })) ?? undefined;
  }

  /** An active job that carries a workflow, or one version of it. */
  async activeWithWorkflow(name: string, digest: string | undefined): Promise<FlashJobEntity | undefined> {
    const version = digest === undefined ? {} : { workflowDigest: digest };
    const where = { workflowName: name, ...version, state: In(ACTIVE) };
    return (await this.source.getRepository(FlashJobEntity).findOneBy(where)) ?? undefined;
  }

  /** Those of the jobs that there are, in any order. */
  async findAll(ids: readonly string[]): Promise<FlashJobEntity[]> {
    return ids.length === 0 ? [] : plainRows(this.all().where('job.id = ANY(:ids)', { ids }));
  }

  /** The last flashes of a machine, and of an image on any machine, that have succeeded. */
  async earlierFlashes(
    { mac, imageSha256 }: Pick<FlashJobEntity, 'mac' | 'imageSha256'>,
    manager: EntityManager = this.source.manager,
  ): Promise<EarlierFlash[]> {
    const columns = 'mac, image_sha256, content_size_bytes, finished_at - dispatched_at AS took';
    const rows = await manager.query<Record<'mac' | 'sha256' | 'size' | 'ms', string | null>[]>(
      `SELECT mac, image_sha256 AS sha256, content_size_bytes AS size, extract(epoch FROM took) * 1000 AS ms FROM (
         (SELECT ${columns} FROM flash_jobs WHERE state = 'succeeded' AND kind = 'flash' AND mac = $1 ORDER BY finished_at DESC LIMIT $3)
         UNION ALL
         (SELECT ${columns} FROM flash_jobs WHERE state = 'succeeded' AND kind = 'flash' AND image_sha256 = $2 AND mac <> $1
          ORDER BY finished_at DESC LIMIT $3)
       ) AS earlier WHERE took IS NOT NULL`,
      [mac, imageSha256, MAX_EARLIER],
    );
    return rows.map((row) => ({
      mac: row.mac ?? '',
      imageSha256: row.sha256,
      contentSizeBytes: row.size === null ? null : Number(row.size),
      durationMs: Number(row.ms),
    }));
  }

  /** The results of the machine's last flashes that have succeeded, newest first. */
  async lastResults(mac: string, manager: EntityManager): Promise<FlashResult[]> {
    const found = await manager.find(FlashJobEntity, {
      select: { id: true, result: true },
      where: { mac, kind: 'flash', state: 'succeeded' },
      order: { finishedAt: 'DESC' },
      take: MAX_EARLIER,
    });
    return found.flatMap(({ result }) => result ?? []);
  }

  /** The job of the session that ended last. */
  async lastOfSession(sessionId: string): Promise<FlashJobEntity | undefined> {
    const order = { createdAt: 'DESC' } as const;
    return (await this.source.getRepository(FlashJobEntity).findOne({ where: { sessionId }, order })) ?? undefined;
  }

  /** How many jobs there are of each state that is not final. */
  async countActive(): Promise<[state: string, count: number][]> {
    const rows = await this.source.query<{ state: string; count: number }[]>(
      'SELECT state, count(*)::int AS count FROM flash_jobs WHERE state = ANY($1) GROUP BY state',
      [ACTIVE],
    );
    return ACTIVE.map((state) => [state, rows.find((row) => row.state === state)?.count ?? 0]);
  }

  /** The jobs that agents have. */
  async held(): Promise<FlashJobEntity[]> {
    return plainRows(this.all().where(`job.state IN ('dispatched', 'running')`));
  }

  async underWay(): Promise<FlashUnderWay[]> {
    return (await this.held()).map(({ mac, id, stage, progress }) => ({
      mac,
      job_id: id,
      stage,
      bytes_done: progress?.bytesDone ?? null,
      bytes_total: progress?.bytesTotal ?? null,
      bytes_per_second: progress?.bytesPerSecond ?? null,
    }));
  }

  async activeJobOf(imageName: string): Promise<string | undefined> {
    return (await this.source.getRepository(FlashJobEntity).findOneBy({ imageName, state: In(ACTIVE) }))?.id;
  }

  async filesInUse(): Promise<{ maps: string[]; packs: string[] }> {
    const held = await this.held();
    const maps = held.map(({ mapBlake3 }) => mapBlake3).filter((digest) => digest !== null);
    const packs = held.map(({ packBlake3 }) => packBlake3).filter((digest) => digest !== null);
    return { maps, packs };
  }

  async summaries(macs: readonly string[]): Promise<ReadonlyMap<string, MachineJobSummaries>> {
    if (macs.length === 0) return new Map();
    const query = this.all()
      .distinctOn(['job.mac', '(job.finishedAt IS NULL)'])
      .where('job.mac = ANY(:macs)', { macs })
      .andWhere(`(job.kind = 'flash' OR job.finishedAt IS NULL)`)
      .orderBy('job.mac')
      .addOrderBy('(job.finishedAt IS NULL)')
      .addOrderBy('job.finishedAt', 'DESC');
    const newest = await plainRows(query, SUMMARY_COLUMNS);
    const result = new Map<string, MachineJobSummaries>();
    for (const job of newest) {
      const summary = job.finishedAt === null ? { active: summaryOf(job) } : { last: summaryOf(job) };
      result.set(job.mac, { ...result.get(job.mac), ...summary });
    }
    return result;
  }

  /** Newest first, at most `limit`. */
  async page(filter: JobFilter, limit: number): Promise<FlashJobEntity[]> {
    const query = this.all();
    if (filter.mac !== undefined) query.andWhere('job.mac = :mac', { mac: filter.mac });
    if (filter.pool !== undefined) {
      query.andWhere('job.mac IN (SELECT mac FROM machines WHERE tags @> ARRAY[CAST(:pool AS text)])', {
        pool: filter.pool,
      });
    }
    if (filter.kind !== undefined) query.andWhere('job.kind = :kind', { kind: filter.kind });
    if (filter.state !== undefined) query.andWhere('job.state = :state', { state: filter.state });
    if (filter.after !== undefined) {
      query.andWhere(
        '(job.createdAt, job.id) < (SELECT before.created_at, before.id FROM flash_jobs before WHERE before.id = :after)',
        { after: filter.after },
      );
    }
    return plainRows(query.orderBy('job.createdAt', 'DESC').addOrderBy('job.id', 'DESC').limit(limit));
  }

  private all(): SelectQueryBuilder<FlashJobEntity> {
    return this.source.getRepository(FlashJobEntity).createQueryBuilder('job');
  }
}
