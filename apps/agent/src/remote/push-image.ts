import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { BtyError, ERROR_CODE_NAMES } from '@bty/wire-types';
import { beginRequest } from '../http-ask.js';
import type { Access } from './access.js';

/** A file that becomes an image of a server. */
export interface ImagePush {
  path: string;
  name: string;
  /** ETag of the image that it replaces. */
  replaces: string | undefined;
}

/** Told while the file is read for its digest, and while it is sent. */
export type PushProgress = (step: 'hashing' | 'sending', bytesDone: number, bytesTotal: number) => void;

/** Reads a file in order and counts. */
async function* counted(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    onBytes(part.length);
    yield part;
  }
}

async function digestOf(path: string, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of counted(path, onBytes)) {
    signal.throwIfAborted();
    hash.update(part);
  }
  return hash.digest('hex');
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function refusal(status: number, body: string): BtyError {
  const problem = /^\{/.test(body) ? (JSON.parse(body) as { code?: string; detail?: string }) : {};
  const code = ERROR_CODE_NAMES.find((known) => known === problem.code) ?? 'INTERNAL';
  return new BtyError(code, problem.detail ?? `the server answered ${status}`, { details: { status } });
}

/**
 * Sends a file to a server, with its digest, so that a damaged transfer is refused. Returns the image as the server has it.
 * Throws what the server says, or `UNAVAILABLE`.
 */
export async function pushImage(
  { server, token }: Access,
  { path, name, replaces }: ImagePush,
  tell: PushProgress,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { size } = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BtyError('NOT_FOUND', `${path} cannot be read: ${cause.code}`, { cause, details: { path } });
  });
  const counter = (step: 'hashing' | 'sending') => {
    let done = 0;
    return (bytes: number): void => {
      done += bytes;
      tell(step, done, size);
    };
  };
  const sha256 = await digestOf(path, counter('hashing'), signal);
  const url = `${server}/images/${encodeURIComponent(name)}?sha256=${sha256}`;
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/octet-stream',
    'content-length': size,
    ...(replaces === undefined ? {} : { 'if-match': replaces }),
  };
  const sending = beginRequest(url, { method: 'PUT', headers, signal, agent: false });
  const answer = new Promise<IncomingMessage>((resolve, reject) =>
    sending.once('response', resolve).once('error', reject),
  );
  try {
    // a server that refuses answers before it has taken everything, and then takes no more
    void pipeline(counted(path, counter('sending')), sending).catch(() => undefined);
    const response = await answer;
    const text = await textOf(response);
    if (response.statusCode === 200 || response.statusCode === 201) return JSON.parse(text) as Record<string, unknown>;
    throw refusal(response.statusCode ?? 0, text);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof BtyError) throw cause;
    throw new BtyError('UNAVAILABLE', `${server} broke off: ${(cause as Error).message}`, { cause });
  }
}
