import { once } from 'node:events';
import type { WriteStream } from 'node:fs';

/** The log of a run as it grows: what the workflow prints, and lines of ours. */
export class RunLog {
  private atLineStart = true;

  constructor(private readonly stream: WriteStream) {}

  /** Adds what the workflow prints, as it is. */
  add(part: Buffer): void {
    if (part.length === 0) return;
    this.stream.write(part);
    this.atLineStart = part.at(-1) === 0x0a;
  }

  /** Adds a line of ours. */
  say(line: string): void {
    this.add(Buffer.from(`${this.atLineStart ? '' : '\n'}bty: ${line}\n`));
  }

  /** Resolves when all of it is on the disk. */
  async end(): Promise<void> {
    this.stream.end();
    if (!this.stream.closed) await once(this.stream, 'close');
  }
}
