import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const REOPEN_MS = 10_000;

/**
 * Writes to one terminal without ever waiting for it: opened non-blocking, one write at a time, and what comes meanwhile
 * replaces what waits. A serial line that nobody reads, or that gives EIO, must not hold up a flash.
 */
export class ConsoleWriter {
  #handle: FileHandle | undefined;
  #waiting: string | undefined;
  #busy = false;
  #notBeforeMs = 0;

  constructor(
    private readonly path: string,
    private readonly nowMs: () => number,
  ) {}

  write(text: string): void {
    this.#waiting = text;
    if (!this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting !== undefined && this.nowMs() >= this.#notBeforeMs) {
      const text = this.#waiting;
      this.#waiting = undefined;
      await this.#attempt(text);
    }
    this.#busy = false;
  }

  async #attempt(text: string): Promise<void> {
    try {
      this.#handle ??= await open(this.path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      await this.#handle.write(text);
    } catch (error) {
      // EAGAIN: its buffer is full; the next frame comes anyway.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
      this.#notBeforeMs = this.nowMs() + REOPEN_MS;
      await this.#handle?.close().catch(() => undefined);
      this.#handle = undefined;
    }
  }
}
