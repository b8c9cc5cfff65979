import { FLASH_STAGES } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import type { FlashJobEntity, FlashJobObserver } from '../flash-jobs/index.js';
import { MetricsRegistry } from './metrics-registry.service.js';

const SECONDS = [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1_800, 3_600];

/** Counts what becomes of flash jobs, each at the process that brings it to its end. */
@Injectable()
export class FlashMetrics implements FlashJobObserver {
  private readonly jobs: Counter<'state'>;
  private readonly failures: Counter<'code'>;
  private readonly bytes: Counter<'kind'>;
  private readonly stages: Histogram<'stage'>;

  constructor({ registry }: MetricsRegistry) {
    const registers = [registry];
    this.jobs = new Counter({
      name: 'bty_flash_jobs_ended_total',
      help: 'Flash jobs that have ended, by their final state.',
      labelNames: ['state'],
      registers,
    });
    this.failures = new Counter({
      name: 'bty_flash_failures_total',
      help: 'Flash jobs that have failed, by the code of the reason.',
      labelNames: ['code'],
      registers,
    });
    this.bytes = new Counter({
      name: 'bty_flash_bytes_total',
      help: 'Bytes of flashes that have succeeded: fetched from the server, and of the disk written, left alone, zeroed, read back.',
      labelNames: ['kind'],
      registers,
    });
    this.stages = new Histogram({
      name: 'bty_flash_stage_seconds',
      help: 'How long flashes that have succeeded were in each phase.',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
  }

  ended({ state, error, result }: FlashJobEntity): void {
    this.jobs.inc({ state });
    if (state === 'failed') this.failures.inc({ code: error?.code ?? 'INTERNAL' });
    if (state !== 'succeeded' || result === null) return;
    this.bytes.inc({ kind: 'fetched' }, result.bytes_fetched);
    this.bytes.inc({ kind: 'written' }, result.bytes_written);
    this.bytes.inc({ kind: 'skipped' }, result.bytes_skipped);
    this.bytes.inc({ kind: 'zeroed' }, result.bytes_zeroed);
    this.bytes.inc({ kind: 'verified' }, result.bytes_verified);
    const times: Partial<Record<string, number>> = { ...result.stage_ms };
    for (const stage of FLASH_STAGES) {
      const ms = times[stage];
      if (ms !== undefined) this.stages.observe({ stage }, ms / 1000);
    }
  }
}
