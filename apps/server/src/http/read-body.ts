import { BtyError } from '@bty/wire-types';
import type { Request, Response } from 'express';

/** How long the rest of a refused upload is read and thrown away, so that its sender sees the answer. */
const DRAIN_MS = 10_000;

/** Reads a body that no parser has taken, into memory. Throws TOO_LARGE beyond `maxBytes`, also by its declared length. */
export async function readBody(request: Request, response: Response, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new BtyError('TOO_LARGE', `up to ${maxBytes} bytes are taken`, { details: { max_bytes: maxBytes } });
  const parts: Buffer[] = [];
  let total = 0;
  try {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
    if (request.headers.expect !== undefined) response.writeContinue();
    for await (const part of request.iterator({ destroyOnReturn: false })) {
      total += (part as Buffer).length;
      if (total > maxBytes) throw tooLarge();
      parts.push(part as Buffer);
    }
  } catch (error) {
    setTimeout(() => request.complete || request.destroy(), DRAIN_MS).unref();
    if (error instanceof BtyError) throw error;
    throw new BtyError('INVALID_REQUEST', 'the upload was cut off', { cause: error });
  }
  return Buffer.concat(parts);
}
