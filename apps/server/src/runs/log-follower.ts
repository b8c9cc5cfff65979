import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
const READ_BYTES = 64 * 1024;

/** What following a log needs to know. */
export interface FollowedLog {
  /** Opens the log; undefined while there is none. */
  open(): Promise<FileHandle | undefined>;
  /** Whether nothing will be added any more. Asked before the last look, so that nothing is missed. */
  isOver(): Promise<boolean>;
}

/** Yields what is in a log and what is added to it, until it is over or `signal` is aborted. */
export async function* followLog(log: FollowedLog, signal: AbortSignal): AsyncGenerator<Buffer> {
  let handle: FileHandle | undefined;
  try {
    for (let position = 0; !signal.aborted; ) {
      const over = await log.isOver();
      handle ??= await log.open();
      for (;;) {
        const part = Buffer.alloc(READ_BYTES);
        const { bytesRead } = (await handle?.read(part, 0, READ_BYTES, position)) ?? { bytesRead: 0 };
        if (bytesRead === 0) break;
        position += bytesRead;
        yield part.subarray(0, bytesRead);
      }
      if (over) return;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await handle?.close();
  }
}
