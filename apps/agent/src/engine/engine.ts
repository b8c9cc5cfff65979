import type { ExpectedDisk } from '@bty/image-format';
import type { Bottleneck, FlashStage, FlashStrategy, StageTimes, VerifyMode } from '@bty/wire-types';

/** Whom the engine tells and asks while it works. */
export interface EnginePorts {
  /** Bytes of the present stage. */
  onProgress(bytesDone: number, bytesTotal: number): void;
  log(line: string): void;
  /** Returns when this attempt may make the disk bootable; throws when it may not. */
  commit(): Promise<void>;
  nowMs(): number;
}

/** What is done to the file systems of the disk, between the proof of the image and the first MiB. */
export interface Provisioning {
  /** Throws when the image cannot be provisioned; called before the first write, with its first MiB. */
  check(head: Buffer): void;
  write(head: Buffer): Promise<void>;
}

/** What became of a flash. Sizes in bytes; see FlashResult for what each counts. */
export interface EngineReport {
  fetchedBytes: number;
  writtenBytes: number;
  skippedBytes: number;
  zeroedBytes: number;
  verifiedBytes: number;
  verify: VerifyMode;
  strategy: FlashStrategy;
  strategyReason: string;
  bottleneck: Bottleneck;
  stageMs: StageTimes;
  plan: ExpectedDisk;
  /** The first MiB of the image, all of it when it is smaller. */
  head: Buffer;
}

/** Times the stages that a flash goes through, and tells of each. */
export class StageClock {
  readonly times: StageTimes = {};
  #stage: Exclude<FlashStage, 'rebooting'> = 'preparing';
  #sinceMs: number;

  constructor(private readonly ports: { nowMs(): number; onStage(stage: FlashStage): void }) {
    this.#sinceMs = ports.nowMs();
    ports.onStage(this.#stage);
  }

  enter(stage: Exclude<FlashStage, 'rebooting'>): void {
    this.stop();
    this.#stage = stage;
    this.ports.onStage(stage);
  }

  /** Books the time up to now to the present stage. */
  stop(): StageTimes {
    const nowMs = this.ports.nowMs();
    this.times[this.#stage] = Math.round((this.times[this.#stage] ?? 0) + nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    return this.times;
  }
}
