import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { Contest, Contestant, Run } from './contest.ts';
import type { ImageContent, StartContent } from './disk-content.ts';
import type { FlashTool } from './flash-tools.ts';
import { type Link, loopback, sharedGigabit } from './link.ts';
import { TargetDisk } from './target-disk.ts';
import { type Throttle, throttle } from './throttle.ts';
import { timedRun } from './timed-run.ts';

/** One piece of flashing work: from a start to an image, over a link, on one machine or on several at once. */
export interface FlashWork {
  readonly start: StartContent;
  readonly image: ImageContent;
  readonly sizeBytes: number;
  readonly link: 'loopback' | 'gigabit';
  readonly machines: number;
  readonly slowDisk?: boolean;
  /** Hash every disk after every run, timed apart. */
  readonly readBack?: boolean;
  readonly tools: readonly FlashTool[];
}

/** A contest on disks and links of its own, which `close` takes away. */
export interface OpenContest extends Contest {
  close(): void | Promise<void>;
}

function slowest(runs: readonly Run[], seconds: number): Run {
  return { seconds, peakRssBytes: Math.max(...runs.map((run) => run.peakRssBytes ?? 0)) };
}

class FlashContest implements OpenContest {
  readonly contestants: readonly Contestant[];
  readonly #work: FlashWork;
  readonly #bench: Bench;
  readonly #disks: readonly TargetDisk[];
  readonly #link: Link;
  readonly #throttle: Throttle | undefined;

  constructor(work: FlashWork, bench: Bench) {
    this.#work = work;
    this.#bench = bench;
    this.#link = work.link === 'loopback' ? loopback : sharedGigabit(work.machines);
    this.#disks = Array.from(
      { length: work.machines },
      (_, index) => new TargetDisk(bench.memoryDir, `disk${index}`, work.sizeBytes),
    );
    this.#throttle = work.slowDisk === true ? this.#slowDown() : undefined;
    this.contestants = work.tools.map((tool) => ({ tool: tool.tool, run: () => this.#flash(tool) }));
  }

  #slowDown(): Throttle {
    try {
      return throttle(this.#disks[0]?.device ?? '');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async reset(): Promise<void> {
    for (const disk of this.#disks) disk.put(this.#work.start);
  }

  judge(): string | undefined {
    return this.#disks.map((disk) => disk.difference(this.#work.image)).find((problem) => problem !== undefined);
  }

  /** All machines at once; the time is that of the last. */
  async #flash(tool: FlashTool): Promise<Run> {
    const began = performance.now();
    const runs = await Promise.all(this.#disks.map((disk, machine) => this.#flashOne(tool, disk, machine)));
    const run = slowest(runs, (performance.now() - began) / 1000);
    const [disk] = this.#disks;
    return this.#work.readBack === true && disk !== undefined ? { ...run, readBackSeconds: disk.hashSeconds() } : run;
  }

  async #flashOne(tool: FlashTool, disk: TargetDisk, machine: number): Promise<Run> {
    const scratch = join(this.#bench.memoryDir, `scratch${machine}`);
    mkdirSync(scratch);
    const argv = tool.argv(disk.device, this.#bench.sources(this.#link.address, scratch));
    const wrapped = this.#throttle?.wrap(argv) ?? argv;
    try {
      return await timedRun(this.#link.inside(machine, wrapped), this.#bench.outputFile(tool.tool, machine));
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }

  close(): void {
    for (const disk of this.#disks) disk.remove();
    this.#throttle?.remove();
    this.#link.remove();
    this.#bench.clearMemory();
  }
}

export function openFlashContest(work: FlashWork, bench: Bench): OpenContest {
  return new FlashContest(work, bench);
}
