import type { FileHandle } from 'node:fs/promises';
import type { Response } from 'express';

/** Small enough for the caches of a core; a megabyte at once is slower, and a stream of Node takes twice the time. */
const PART_BYTES = 256 * 1024;
/** Buffers that are kept for the next readers: fresh memory costs a page fault for each 4 KiB. */
const MAX_SPARE_BUFFERS = 40;
const spare: Buffer[] = [];

function takeBuffer(lengthBytes: number): Buffer {
  if (lengthBytes < PART_BYTES) return Buffer.allocUnsafe(lengthBytes);
  return spare.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
}

function giveBack(buffers: readonly Buffer[]): void {
  for (const buffer of buffers) {
    if (buffer.length === PART_BYTES && spare.length < MAX_SPARE_BUFFERS) spare.push(buffer);
  }
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
export async function sendRange(response: Response, file: FileHandle, first: number, last: number): Promise<void> {
  const bytes = Math.min(PART_BYTES, last - first + 1);
  const buffers = [takeBuffer(bytes), takeBuffer(bytes)] as const;
  let sending = Promise.resolve(true);
  let there = true;
  for (let at = first, turn = 0; at <= last && there; turn += 1) {
    const buffer = buffers[(turn & 1) as 0 | 1];
    const { bytesRead } = await file.read(buffer, 0, Math.min(bytes, last - at + 1), at);
    there = await sending;
    if (bytesRead === 0) throw new Error(`a file that is being sent ended at byte ${at}`);
    sending = there ? flushed(response, buffer.subarray(0, bytesRead)) : sending;
    at += bytesRead;
  }
  there = await sending;
  giveBack(buffers);
  if (there) response.end();
}
