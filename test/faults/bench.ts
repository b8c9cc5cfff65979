/** A server in a process of its own that has things done to it, and a record of what it promised meanwhile. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlashStart } from '@bty/wire-types';
import { expect } from 'vitest';
import { socketDirFor } from '../../apps/server/src/db/postgres-directories.ts';
import { FakeAgent } from '../../apps/server/test/fake-agent.ts';
import { newMachine } from '../../apps/server/test/flash-steps.ts';
import { putImage } from '../../apps/server/test/image-steps.js';
import { RedisProcess } from '../../apps/server/test/redis-process.ts';
import { ServerProcess } from '../../apps/server/test/server-process.ts';
import { eventually } from '../lab/process.ts';
import { DatabaseLock } from './database-lock.ts';
import type { Job } from './history.ts';
import { violations } from './invariants.ts';

export const NO_PROGRESS_TIMEOUT_S = 4;
const IMAGE = Buffer.alloc(4096, 'image');

/** A job that an agent of a machine has been given. */
export interface Flash {
  readonly agent: FakeAgent;
  readonly start: FlashStart;
  readonly ref: { readonly job_id: string; readonly epoch: number };
}

export class Bench {
  private readonly promised = new Set<string>();

  private constructor(
    readonly stateDir: string,
    private readonly settings: Record<string, string>,
    readonly redis: RedisProcess,
    public server: ServerProcess,
  ) {}

  /** Starts a server that has an image. Its queues are in Postgres, or in a Redis of its own, which may be away at the start. */
  static async start(queues: 'in Postgres' | 'in Redis', { redisAway = false } = {}): Promise<Bench> {
    const stateDir = ServerProcess.newStateDir();
    const redis = await RedisProcess.start();
    const settings = {
      BTY_NO_PROGRESS_TIMEOUT: String(NO_PROGRESS_TIMEOUT_S),
      ...(queues === 'in Redis' ? { BTY_REDIS_URL: redis.url } : {}),
    };
    const server = await ServerProcess.start(stateDir, [], settings);
    const bench = new Bench(stateDir, settings, redis, server);
    await putImage(server, 'debian.img', IMAGE);
    if (redisAway) {
      await server.end('SIGTERM');
      await redis.stop();
      await bench.startServer();
    }
    return bench;
  }

  async stop(): Promise<void> {
    await this.server.end('SIGTERM');
    await this.redis.discard();
    ServerProcess.discard(this.stateDir);
  }

  /** Kills the server as a power cut would, and starts it again. */
  async killServer(): Promise<void> {
    await this.server.end('SIGKILL');
    await this.startServer();
  }

  /** Starts the server again after its end. */
  async startServer(): Promise<void> {
    this.server = await ServerProcess.start(this.stateDir, [], this.settings);
  }

  /** Orders a flash of a machine, or of a new one; its job must not be lost from now on. Tells how long the answer took. */
  async order(known?: string): Promise<{ mac: string; id: string; ms: number }> {
    const mac = known ?? (await newMachine(this.server, { image: 'debian.img' }));
    const began = Date.now();
    const answer = await this.server.post('/flash-jobs', { mac });
    expect(answer.status).toBe(201);
    this.promised.add(answer.json.id);
    return { mac, id: answer.json.id, ms: Date.now() - began };
  }

  /** This job must not be lost from now on. */
  promise(jobId: string): void {
    this.promised.add(jobId);
  }

  /** Boots a new machine whose policy is `flash`, up to where its agent has its job. */
  async flash(): Promise<Flash> {
    const mac = await newMachine(this.server, { boot_policy: 'flash', image: 'debian.img' });
    return this.given(await FakeAgent.boot(this.server, mac));
  }

  /** The job that an agent gets now. */
  async given(agent: FakeAgent): Promise<Flash> {
    const start = await agent.receive('flash.start');
    this.promised.add(start.job_id);
    return { agent, start, ref: { job_id: start.job_id, epoch: start.epoch } };
  }

  /** Locks flash jobs against changes, all of them or one, so that the server stops in the middle of the next one. */
  async lockJobs(jobId?: string): Promise<DatabaseLock> {
    const row = `SELECT 1 FROM flash_jobs WHERE id = '${jobId}' FOR UPDATE`;
    const statement = jobId === undefined ? 'LOCK TABLE flash_jobs IN EXCLUSIVE MODE' : row;
    return DatabaseLock.take(socketDirFor(this.stateDir), statement);
  }

  /** Locks images against changes. */
  async lockImages(): Promise<DatabaseLock> {
    return DatabaseLock.take(socketDirFor(this.stateDir), 'LOCK TABLE images IN EXCLUSIVE MODE');
  }

  /** Puts an image into the image root by hand. */
  drop(name: string, bytes = Buffer.alloc(512, name)): void {
    writeFileSync(join(this.stateDir, 'images', name), bytes);
  }

  /** Waits until an image is ready; returns after how many milliseconds. */
  async prepared(name: string, limitMs: number): Promise<number> {
    const began = Date.now();
    await eventually(`${name} is ready`, limitMs, async () => {
      await this.server.ask('/images');
      return (await this.server.ask(`/images/${name}/info`)).json.state === 'ready';
    });
    return Date.now() - began;
  }

  /** Waits until the server has taken a silent attempt back. */
  async isGivenBack({ ref }: Flash, limitMs: number): Promise<void> {
    await eventually(`epoch ${ref.epoch} of ${ref.job_id} is given back`, limitMs, async () => {
      const { history }: Job = (await this.server.ask(`/flash-jobs/${ref.job_id}`)).json;
      return history.some(({ state, epoch }) => state === 'queued' && epoch === ref.epoch);
    });
  }

  /** As {@link isGivenBack}, and cancels the job, so that it stands still for the judge. */
  async givenBack(flash: Flash, limitMs: number): Promise<void> {
    await this.isGivenBack(flash, limitMs);
    expect((await this.server.post(`/flash-jobs/${flash.ref.job_id}/cancel`, undefined)).status).toBe(200);
  }

  /** How often something happened to a subject, as its events tell. */
  async count(subject: string, action: string): Promise<number> {
    const events: { action: string }[] = (await this.server.ask(`/events?subject=${subject}`)).json;
    return events.filter((event) => event.action === action).length;
  }

  /** All invariants hold, and nothing that was promised is lost. */
  async judge(): Promise<void> {
    const promises = { jobIds: this.promised, noProgressTimeoutMs: NO_PROGRESS_TIMEOUT_S * 1000 };
    expect(await violations(this.server, promises)).toEqual([]);
  }
}
