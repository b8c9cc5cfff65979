import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { type EventEntity, type SseStream, sseText } from '../events/index.js';
import { type FlashUnderWay, MachineJobs } from './machine-jobs.port.js';
import { MachinesService } from './machines.service.js';

const PROGRESS_INTERVAL_MS = 1_000;

/** The machines that events are about, in the order of their last event. */
function macsOf(events: readonly EventEntity[]): string[] {
  const macs = new Set<string>();
  for (const { subject, before, after } of events) {
    const named = subject.startsWith('machine/')
      ? subject.slice('machine/'.length)
      : (after?.['mac'] ?? before?.['mac']);
    if (typeof named !== 'string') continue;
    macs.delete(named);
    macs.add(named);
  }
  return [...macs];
}

/** Tells readers which machines have changed. What is read for one of them is sent to all. */
@Injectable()
export class MachineChanges implements OnModuleDestroy {
  private readonly log = new Logger('Machines');
  private readonly texts = new WeakMap<readonly EventEntity[], Promise<string>>();
  private readonly streams = new Set<SseStream>();
  private timer: NodeJS.Timeout | undefined;
  private told = new Map<string, string>();

  constructor(
    private readonly machines: MachinesService,
    private readonly jobs: MachineJobs,
  ) {}

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** The stream gets progress from now on. */
  addReader(stream: SseStream): void {
    this.streams.add(stream);
    this.timer ??= setInterval(() => void this.tellProgress(), PROGRESS_INTERVAL_MS).unref();
    void stream.closed.then(() => {
      this.streams.delete(stream);
      if (this.streams.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
      this.told = new Map();
    });
  }

  /** The messages about the machines that these events are about. */
  textOf(events: readonly EventEntity[]): Promise<string> {
    const known = this.texts.get(events);
    if (known !== undefined) return known;
    const text = this.render(events);
    this.texts.set(events, text);
    return text;
  }

  /** The last message alone has an id, that of the last event: a cut between two of them loses none. */
  private async render(events: readonly EventEntity[]): Promise<string> {
    const macs = macsOf(events);
    const id = events.at(-1)?.id;
    if (macs.length === 0) return '';
    const records = new Map((await this.machines.some(macs)).map((record) => [record.mac, record]));
    const messages = macs.map((mac) => {
      const record = records.get(mac);
      return record === undefined ? { event: 'removed', data: { mac } } : { event: 'machine', data: record };
    });
    return messages.map((one, index) => sseText(index === macs.length - 1 ? { ...one, id } : one)).join('');
  }

  private async tellProgress(): Promise<void> {
    let flashes: FlashUnderWay[];
    try {
      flashes = await this.jobs.underWay();
    } catch (error) {
      this.log.warn(`the progress of flashes cannot be read: ${(error as Error).message}`);
      return;
    }
    const before = this.told;
    this.told = new Map(flashes.map((flash) => [flash.job_id, sseText({ event: 'progress', data: flash })]));
    const text = [...this.told].map(([id, one]) => (before.get(id) === one ? '' : one)).join('');
    // Progress is old when it comes late: whoever is behind does without.
    for (const stream of this.streams) if (!stream.isBehind) stream.sendText(text);
  }
}
