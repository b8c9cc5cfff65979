import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

const LIMIT_MS = 15_000;
const PAUSE_MS = 50;

/** Words as one line of shell. */
export const shellLine = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');

/** A real terminal of 80 columns and 24 rows: a tmux server of its own, in which one command runs. */
export class TmuxTerminal {
  readonly #socket = `bty-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;

  /** Runs a line of shell. */
  constructor(command: string) {
    const keep = `${command}; echo "ended with $?"; sleep 600`;
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', keep);
  }

  /** What stands on the screen now, without blanks at the ends of lines. */
  screen(): string {
    const text = this.#tmux('capture-pane', '-p');
    return text.replace(/[ \t]+$/gm, '').replace(/\n+$/, '');
  }

  /** Presses keys, by tmux's names: `Down`, `Enter`, `C-c`. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`);
  }

  /** Waits until the screen shows the pattern, and gives the whole of it. */
  async shows(pattern: RegExp | string): Promise<string> {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      const screen = this.screen();
      if (typeof pattern === 'string' ? screen.includes(pattern) : pattern.test(screen)) return screen;
      if (performance.now() > end) expect.fail(`the screen never showed ${pattern}:\n${screen}`);
      await sleep(PAUSE_MS);
    }
  }

  close(): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8' });
  }
}
