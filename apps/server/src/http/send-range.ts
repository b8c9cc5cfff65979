import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { Response } from 'express';

const readFrom = promisify(read);

/** Small enough for the caches of a core; a megabyte at once is slower, and a stream of Node takes twice the time. */
const PART_BYTES = 256 * 1024;
/** Buffers that are kept for the next readers: fresh memory costs a page fault for each 4 KiB, and work of the collector. */
const MAX_SPARE_BUFFERS = 40;
const spare: Buffer[] = [];

const takeBuffer = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);

function giveBack(buffers: readonly Buffer[]): void {
  spare.push(...buffers.slice(0, MAX_SPARE_BUFFERS - spare.length));
}

/** Whether the part was handed to the system; false when the reader has gone. Its memory is free again either way. */
async function flushed(response: Response, part: Uint8Array): Promise<boolean> {
  const { socket } = response.req;
  if (socket.destroyed) return false;
  return new Promise((resolve) => {
    // a response that waits behind another on its connection never calls back when the connection breaks
    const gone = () => resolve(false);
    socket.once('close', gone);
    response.write(part, (error) => {
      socket.removeListener('close', gone);
      resolve(error == null);
    });
  });
}

/**
 * Sends bytes `first` to `last` of a file, both inclusive, and ends the response. One part is read while the one before is on
 * its way, into two buffers that are used in turn: 20 readers take 10 MB. Returns early when the reader goes away; throws
 * when the file has become shorter.
 */
export async function sendRange(response: Response, fd: number, first: number, last: number): Promise<void> {
  const buffers = [takeBuffer(), takeBuffer()] as const;
  let sending = Promise.resolve(true);
  let there = true;
  for (let at = first, turn = 0; at <= last && there; turn += 1) {
    const buffer = buffers[(turn & 1) as 0 | 1];
    const { bytesRead } = await readFrom(fd, buffer, 0, Math.min(PART_BYTES, last - at + 1), at);
    there = await sending;
    if (bytesRead === 0) throw new Error(`a file that is being sent ended at byte ${at}`);
    sending = there ? flushed(response, buffer.subarray(0, bytesRead)) : sending;
    at += bytesRead;
  }
  there = await sending;
  giveBack(buffers);
  if (there) response.end();
}
