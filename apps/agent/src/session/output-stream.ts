import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { PROTOCOL_LIMITS } from '@bty/wire-types';

/** Sends one part of a log; resolves when the server has stored it. */
export type SendPart = (part: number, text: string) => Promise<void>;

const PAUSE_MS = 500;
/** What is printed beyond this stands in the report alone. */
const MAX_CHARS = 1024 * 1024;
const CUT = '\nbty: no more of the output is shown here; the report has it\n';

/** Text that a terminal and a frame take: no colours, no control characters but tabs and line ends. */
function plain(text: string): string {
  const lines = stripVTControlCharacters(text).replace(/\r\n?/g, '\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it takes out
  return lines.replace(/[\0-\x08\x0b-\x1f\x7f]/g, '?');
}

/**
 * Sends what a program prints to the server while it prints: a part at a time, twice a second at most, and the next one when
 * the last is stored, so that an outage leaves little to send again.
 */
export class OutputStream {
  readonly #decoder = new StringDecoder('utf8');
  readonly #sent: Promise<void>;
  #waiting = '';
  #takenChars = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly send: SendPart,
    private readonly pauseMs = PAUSE_MS,
  ) {
    this.#sent = this.#run();
  }

  add(part: Buffer): void {
    this.#take(plain(this.#decoder.write(part)));
  }

  /** Resolves when all of it is stored. */
  async end(): Promise<void> {
    this.#take(plain(this.#decoder.end()));
    this.#ended = true;
    this.#wake();
    await this.#sent;
  }

  #take(text: string): void {
    const room = MAX_CHARS - this.#takenChars;
    if (room <= 0 || text === '') return;
    this.#takenChars += text.length;
    this.#waiting += text.length <= room ? text : text.slice(0, room) + CUT;
    this.#wake();
  }

  async #run(): Promise<void> {
    for (let part = 0; part < PROTOCOL_LIMITS.maxOutputParts; part += 1) {
      if (this.#waiting === '' && !this.#ended) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
      if (this.#waiting === '') return;
      await this.send(part, this.#next());
      if (!this.#ended && this.#waiting.length < PROTOCOL_LIMITS.maxLogPartChars) await sleep(this.pauseMs);
    }
  }

  #next(): string {
    let end = Math.min(this.#waiting.length, PROTOCOL_LIMITS.maxLogPartChars);
    // Half a character is none.
    if (/[\ud800-\udbff]/.test(this.#waiting.charAt(end - 1)) && end > 1) end -= 1;
    const text = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    return text;
  }
}
