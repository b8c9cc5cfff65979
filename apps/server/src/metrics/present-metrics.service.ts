import { Injectable, Logger } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { EventStreams } from '../events/index.js';
import { FlashAdmission, FlashJobsRepository } from '../flash-jobs/index.js';
import { AgentPresence } from '../machines/index.js';
import { QueueDepths } from '../queue/index.js';
import { MetricsRegistry } from './metrics-registry.service.js';

/** What there is at the moment, looked up when somebody asks. */
@Injectable()
export class PresentMetrics {
  private readonly log = new Logger('Metrics');

  constructor(
    { registry }: MetricsRegistry,
    private readonly jobs: FlashJobsRepository,
    private readonly depths: QueueDepths,
    agents: AgentPresence,
    streams: EventStreams,
    admission: FlashAdmission,
  ) {
    const registers = [registry];
    const present = (name: string, help: string, count: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect: async function collect() {
          this.set(count());
        },
      });
    present('bty_agents_connected', 'Agents that are connected to this process.', () => agents.connectedCount);
    present('bty_event_readers', 'Readers of event streams of this process.', () => streams.count);
    present('bty_flashes_waiting', 'Agents of this process that wait for their turn.', () => admission.waitingCount);
    const own = this;
    new Gauge({
      name: 'bty_flash_jobs_active',
      help: 'Flash jobs of all processes that have not ended, by state.',
      labelNames: ['state'],
      registers,
      collect() {
        return own.collectJobs(this);
      },
    });
    new Gauge({
      name: 'bty_queue_jobs',
      help: 'Orders in the queues of all processes, by queue and state.',
      labelNames: ['queue', 'state'],
      registers,
      collect() {
        return own.collectQueues(this);
      },
    });
  }

  private async collectJobs(gauge: Gauge<'state'>): Promise<void> {
    gauge.reset();
    try {
      for (const [state, count] of await this.jobs.countActive()) gauge.set({ state }, count);
    } catch (error) {
      this.log.warn(`flash jobs cannot be counted: ${(error as Error).message}`);
    }
  }

  /** A queue that is away has no figures; the others are told all the same. */
  private async collectQueues(gauge: Gauge<'queue' | 'state'>): Promise<void> {
    gauge.reset();
    for (const { queue, state, count } of await this.depths.all()) gauge.set({ queue, state }, count);
  }
}
