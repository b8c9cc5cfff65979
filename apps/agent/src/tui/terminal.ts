import { constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import type { WriteAll } from './painter.js';

/** One terminal: where a person sees the screen and presses keys. */
export interface Terminal {
  writeAll: WriteAll;
  /** Columns and rows at present. */
  size(): { columns: number; rows: number };
  onText(call: (text: string) => void): void;
  onResize(call: () => void): void;
  /** Gives the terminal back as it was. */
  close(): Promise<void>;
}

// What a serial console does not tell: a VT100's size.
const DEFAULT_SIZE = { columns: 80, rows: 24 };
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const FULL_PAUSE_MS = 40;
const STUCK_MS = 10_000;

const sizeOf = ({ columns, rows }: { columns?: number; rows?: number }) =>
  columns && rows ? { columns, rows } : DEFAULT_SIZE;

/** The terminal that this process runs in. It shows what it showed before, once this is closed. */
export function ownTerminal(): Terminal {
  const { stdin, stdout } = process;
  const writeAll: WriteAll = (text) => new Promise((resolve) => stdout.write(text, (error) => resolve(error == null)));
  stdin.setRawMode(true).setEncoding('utf8').resume();
  void writeAll(ENTER);
  return {
    writeAll,
    size: () => sizeOf(stdout),
    onText: (call) => void stdin.on('data', (text: Buffer | string) => call(text.toString())),
    onResize: (call) => void stdout.on('resize', call),
    close: async () => {
      stdin.setRawMode(false).pause();
      await writeAll(LEAVE);
    },
  };
}

const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';

/**
 * A console of the live env, `/dev/tty1` or `/dev/ttyS0`. Never waited for by anybody but its own painter: it is opened
 * non-blocking, and a line that takes nothing for ten seconds is given up until the next screen.
 */
export async function openConsole(path: string): Promise<Terminal> {
  const handle = await open(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const keys = new ReadStream(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
  keys.setRawMode(true).setEncoding('utf8');
  keys.on('error', () => undefined); // a line that hangs up: the screen goes on
  const writeAll: WriteAll = async (text) => {
    let rest = Buffer.from(text);
    for (let waitedMs = 0; rest.length > 0 && waitedMs < STUCK_MS; ) {
      try {
        const { bytesWritten } = await handle.write(rest);
        rest = rest.subarray(bytesWritten);
        waitedMs = 0;
      } catch (error) {
        if (!isFull(error)) return false;
        await sleep(FULL_PAUSE_MS);
        waitedMs += FULL_PAUSE_MS;
      }
    }
    return rest.length === 0;
  };
  return {
    writeAll,
    size: () => DEFAULT_SIZE,
    onText: (call) => void keys.on('data', (text: Buffer | string) => call(text.toString())),
    onResize: () => undefined,
    close: async () => {
      keys.setRawMode(false).destroy();
      await handle.close();
    },
  };
}
