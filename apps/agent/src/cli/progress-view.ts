import type { FlashResult, FlashStage } from '@bty/wire-types';
import type { Clock } from '../clock/clock.js';
import { RateMeter } from '../engine/rate-meter.js';
import { humanBytes, humanSeconds } from '../screen/render.js';

type Account = Omit<FlashResult, 'target'>;

/** What a command shows of a flash while it goes on. */
export interface ProgressView {
  started(totalBytes: number | undefined): void;
  stage(stage: FlashStage): void;
  progress(bytesDone: number, bytesTotal: number): void;
  /** Everything is on the medium. */
  synced(): void;
  /** The kernel has the new partition table, or says why not. */
  partprobed(note: string): void;
  done(account: Account): void;
  failed(error: Record<string, unknown>): void;
}

type Write = (text: string) => void;

const INTERVAL_MS = 250;

/** Lets something through now and then. */
class Pace {
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {}

  due(): boolean {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.#lastMs < INTERVAL_MS) return false;
    this.#lastMs = nowMs;
    return true;
  }
}

export const silentView: ProgressView = {
  started: () => undefined,
  stage: () => undefined,
  progress: () => undefined,
  synced: () => undefined,
  partprobed: () => undefined,
  done: () => undefined,
  failed: () => undefined,
};

/** One JSON object a line: `event` names what happened. */
export function ndjsonView(write: Write, clock: Pick<Clock, 'nowMs'>): ProgressView {
  const pace = new Pace(clock);
  let stage: FlashStage = 'preparing';
  let meter = new RateMeter();
  const event = (name: string, more: Record<string, unknown> = {}): void =>
    write(`${JSON.stringify({ event: name, ...more })}\n`);
  return {
    started: (total) => event('started', total === undefined ? {} : { total_bytes: total }),
    stage: (entered) => {
      stage = entered;
      meter = new RateMeter();
      event(entered);
    },
    progress: (done, total) => {
      const rate = meter.sample(done, clock.nowMs());
      if (!pace.due()) return;
      event('progress', { stage, bytes_done: done, bytes_total: total, bytes_per_second: rate });
    },
    synced: () => event('synced'),
    partprobed: (note) => event('partprobed', { note }),
    done: (result) => event('done', { result }),
    failed: (error) => event('failed', { error }),
  };
}

/** What a flash did, for a person. */
function accountText(account: Account): string {
  const counts = [
    `written ${humanBytes(account.bytes_written)}`,
    `zeroed ${humanBytes(account.bytes_zeroed)}`,
    `right already ${humanBytes(account.bytes_skipped)}`,
    account.verify === 'off' ? 'NOT read back' : `read back and right ${humanBytes(account.bytes_verified)}`,
  ];
  return `done: ${counts.join(', ')}; took ${humanSeconds(account.duration_ms / 1000)}`;
}

/** Lines for a person; on a terminal one line that is drawn over. */
export function textView(write: Write, terminal: boolean, clock: Pick<Clock, 'nowMs'>): ProgressView {
  const pace = new Pace(clock);
  let stage: FlashStage = 'preparing';
  let meter = new RateMeter();
  let begun = false;
  let drawn = false;
  const line = (text: string): void => {
    write(`${drawn ? '\r\x1b[K' : ''}${text}\n`);
    drawn = false;
  };
  return {
    ...silentView,
    stage: (entered) => {
      stage = entered;
      begun = true;
      meter = new RateMeter();
      line(entered);
    },
    progress: (done, total) => {
      const rate = meter.sample(done, clock.nowMs());
      if (!terminal || !pace.due()) return;
      const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
      const left = rate > 0 ? `, ${humanSeconds((total - done) / rate)} left` : '';
      write(`\r\x1b[K${stage} ${percent} %  ${humanBytes(done)} of ${humanBytes(total)}  ${humanBytes(rate)}/s${left}`);
      drawn = true;
    },
    done: (account) => line(accountText(account)),
    // Why is told after it; what never began has nothing else to tell.
    failed: () => begun && line('failed'),
  };
}
