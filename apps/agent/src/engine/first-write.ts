import { type BtyError, toBtyError } from '@bty/wire-types';
import type { StageClock } from './engine.js';
import { partlyWritten } from './errors.js';
import type { FixedParts } from './fixed-parts.js';

/** The moment before which the disk is untouched, and after which it does not boot until all is done. */
export class FirstWrite {
  /** Known before anything is written. */
  parts: FixedParts | undefined;
  #touched = false;
  #begun: Promise<void> | undefined;

  constructor(
    private readonly stages: StageClock,
    private readonly signal: AbortSignal,
  ) {}

  get touched(): boolean {
    return this.#touched;
  }

  /** To be awaited before each write of the body: the first call blanks head and tail. */
  readonly mayWrite = (): Promise<void> => {
    this.#begun ??= this.#begin();
    return this.#begun;
  };

  /** To be awaited before head or tail are written when the body is right. */
  async blankHead(): Promise<void> {
    if (this.#touched) return;
    this.#touched = true;
    await this.parts?.blank({ tail: false });
  }

  /** What to throw for a failure: the signal's reason goes first, and what was begun is told. */
  failure(thrown: unknown, path: string): BtyError {
    const error = toBtyError(this.signal.aborted ? this.signal.reason : thrown);
    return this.#touched ? partlyWritten(error, path) : error;
  }

  async #begin(): Promise<void> {
    this.signal.throwIfAborted();
    this.#touched = true;
    await this.parts?.blank({ tail: true });
    this.stages.enter('writing');
  }
}
