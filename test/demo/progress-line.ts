/** The live view of a flash on a terminal: one line that redraws itself; elsewhere a line per stage. */
import type { WriteStream } from 'node:tty';
import type { FlashJob } from '../lab/api.ts';

const MIB = 2 ** 20;
const WIDTH = 30;

function bar(done: number, total: number): string {
  const filled = total === 0 ? WIDTH : Math.min(WIDTH, Math.floor((done / total) * WIDTH));
  return `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}]`;
}

/** One line about a job's progress: stage, bar, bytes, rate, time to go. */
function progressText(progress: NonNullable<FlashJob['progress']>): string {
  const { stage, bytes_done, bytes_total, bytes_per_second, eta_seconds } = progress;
  const name = stage.padEnd(12);
  if (!bytes_total) return name;
  const mib = (bytes: number): string => String(Math.round(bytes / MIB));
  const eta = eta_seconds === null ? '' : `  ETA ${Math.ceil(eta_seconds)} s`;
  return `${name} ${bar(bytes_done, bytes_total)} ${mib(bytes_done)}/${mib(bytes_total)} MiB  ${mib(bytes_per_second)} MiB/s${eta}`;
}

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream | WriteStream;
  readonly #say: (text: string) => void;
  #stage = '';

  constructor(stream: NodeJS.WriteStream, say: (text: string) => void) {
    this.#stream = stream;
    this.#say = say;
  }

  show(progress: NonNullable<FlashJob['progress']>): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K  ${progressText(progress)}`);
    else if (progress.stage !== this.#stage) this.#say(`  ${progress.stage}`);
    this.#stage = progress.stage;
  }

  /** Says a line of its own, above the bar. */
  note(text: string): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
    this.#say(text);
  }
}
