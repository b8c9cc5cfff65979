import { frameBetween } from '../screen/screen.js';

/** Puts all of a text on a terminal; false when it could not, and nobody knows what stands there now. */
export type WriteAll = (text: string) => Promise<boolean>;

/**
 * Keeps one terminal showing the newest screen, and writes only what differs from what it shows. One write at a time: a
 * slow serial line sees fewer screens, never a wrong one.
 */
export class Painter {
  #shown: readonly string[] | undefined;
  #newest: readonly string[] | undefined;
  #busy: Promise<void> | undefined;

  constructor(private readonly writeAll: WriteAll) {}

  paint(lines: readonly string[]): void {
    this.#newest = lines;
    this.#busy ??= this.#work().finally(() => {
      this.#busy = undefined;
    });
  }

  /** Nobody knows any more what stands there: the next paint draws everything. */
  forget(): void {
    this.#shown = undefined;
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#busy;
  }

  async #work(): Promise<void> {
    while (this.#newest !== undefined) {
      const lines = this.#newest;
      this.#newest = undefined;
      // the screen is full: a line more would scroll it
      const frame = frameBetween(this.#shown, lines, lines.length);
      this.#shown = lines;
      if (frame !== '' && !(await this.writeAll(frame))) this.#shown = undefined;
    }
  }
}
