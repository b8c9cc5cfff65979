/** An agent that goes on with its job through every outage, as the real one does, and writes no disk. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE_CODES } from '@bty/wire-types';
import { type FakeAgent, resultOf } from '../../apps/server/test/fake-agent.ts';
import type { ServerUnderTest } from '../../apps/server/test/server-under-test.ts';
import type { Flash } from './bench.ts';

const PAUSE_MS = 200;
const GIVE_UP_MS = 60_000;
const PROGRESS_INTERVAL_MS = 250;

/** Told to go for good: by a newer agent, or because its credential counts no more. */
export class Dismissed extends Error {}

export class StubbornAgent {
  private seq = 1_000;
  private agent: FakeAgent;
  private readonly flash: Flash;

  /** `server` gives the server as it is now: it may be another process after a fault. */
  constructor(
    flash: Flash,
    private readonly server: () => ServerUnderTest,
  ) {
    this.agent = flash.agent;
    this.flash = flash;
  }

  get jobId(): string {
    return this.flash.ref.job_id;
  }

  /** Writes for a while, proves, asks for the commit, and reports success; throws when it is told to stop. */
  async finish(writeMs: number): Promise<void> {
    await this.stage('writing');
    const until = Date.now() + writeMs;
    for (let bytes = 1; Date.now() < until; bytes += 1) {
      if (this.agent.isOpen) this.progress(bytes);
      else await this.insist(async () => this.progress(bytes));
      await sleep(PROGRESS_INTERVAL_MS);
    }
    await this.stage('verifying');
    await this.commit();
    await this.succeed();
  }

  async stage(stage: string): Promise<void> {
    await this.report({ type: 'flash.stage', ...this.flash.ref, stage });
  }

  async commit(): Promise<void> {
    await this.insist(async () => {
      this.agent.send({ type: 'commit.request', ...this.flash.ref });
      await this.agent.receive('commit.grant');
    });
  }

  async succeed(): Promise<void> {
    const result = resultOf(this.flash.start);
    await this.report({ type: 'flash.finished', ...this.flash.ref, outcome: 'succeeded', result });
  }

  /** A report is sent again, under the same number, until it is acknowledged. */
  async report(message: Record<string, unknown>): Promise<void> {
    this.seq += 1;
    const { seq } = this;
    await this.insist(async () => {
      this.agent.send({ ...message, seq });
      while ((await this.agent.receive('report.ack')).seq !== seq);
    });
  }

  private progress(bytes: number): void {
    const numbers = { bytes_done: bytes, bytes_total: 1_000_000, bytes_per_second: 4 };
    this.agent.send({ type: 'flash.progress', ...this.flash.ref, stage: 'writing', ...numbers });
  }

  private async insist(act: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + GIVE_UP_MS;
    for (;;) {
      try {
        if (!this.agent.isOpen) await this.reconnect();
        await orCut(this.agent, act());
        return;
      } catch (error) {
        if (error instanceof Dismissed || Date.now() > deadline) throw error;
        const stop = this.agent.received.find(({ type }) => type === 'flash.cancel' || type === 'commit.refuse');
        if (stop !== undefined) throw new Dismissed(JSON.stringify(stop));
        await sleep(PAUSE_MS);
      }
    }
  }

  private async reconnect(): Promise<void> {
    // The one that was let in last has the session.
    const next = await this.agent.reconnect(this.server(), { current_job: this.flash.ref });
    await orCut(next, next.receive('session.opened'));
    this.agent = next;
  }
}

/** Waits for something on a connection, not longer than the connection lasts. */
async function orCut(agent: FakeAgent, act: Promise<unknown>): Promise<void> {
  const cut = agent.closed().then(({ code, reason }) => {
    const forGood = code === CLOSE_CODES.SUPERSEDED || code === CLOSE_CODES.UNAUTHENTICATED;
    throw new (forGood ? Dismissed : Error)(`the connection was closed: ${code} ${reason}`);
  });
  await Promise.race([act, cut]);
}
