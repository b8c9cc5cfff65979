import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError, type ErrorCode } from '@bty/wire-types';
import { fullJitterMs } from '../backoff.js';
import { ask } from '../http-ask.js';

/** A file on the server that is fetched as a whole. */
export interface WholeFile {
  url: string;
  /** For people: `the image's map`. */
  what: string;
  /** Longer than this it cannot be. */
  maxBytes: number;
  /** Whether these are its bytes. */
  isRight(bytes: Buffer): boolean;
  /** What is thrown when the server does not give it, and when it goes on for too long. */
  codes: { refused: ErrorCode; tooLong: ErrorCode };
}

/** What asking the server needs. */
export interface AskPorts {
  authorization?(): string | undefined;
  onRetry(reason: string): void;
  stallMs?: number;
  backoff?: { baseMs: number; capMs: number };
}

const STALL_MS = 30_000;
const MAX_DAMAGED = 3;

function refuse(status: number, { what, codes }: WholeFile): BtyError {
  const details = { status };
  if (status === 401 || status === 403) {
    return new BtyError('UNAUTHENTICATED', `the server does not let this agent read ${what} (${status})`, { details });
  }
  return new BtyError(codes.refused, `the server answered ${status} for ${what}`, { details });
}

async function attempt(file: WholeFile, ports: AskPorts, signal: AbortSignal): Promise<Buffer> {
  const authorization = ports.authorization?.();
  const response = await ask(file.url, {
    stallMs: ports.stallMs ?? STALL_MS,
    signal,
    agent: false,
    headers: { 'accept-encoding': 'identity', ...(authorization === undefined ? {} : { authorization }) },
  });
  const status = response.statusCode ?? 0;
  try {
    if (status >= 500 || status === 408 || status === 429) throw new Error(`the server answered ${status}`);
    if (status !== 200) throw refuse(status, file);
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > file.maxBytes) {
        throw new BtyError(file.codes.tooLong, `${file.what} goes on after ${file.maxBytes} bytes`);
      }
      parts.push(part);
    }
    return Buffer.concat(parts);
  } finally {
    response.on('error', () => undefined).destroy();
  }
}

/** For people: what went wrong with a request. */
export function requestProblem(error: unknown): string {
  return (error as Error).message || ((error as NodeJS.ErrnoException).code ?? 'unknown failure');
}

/**
 * Fetches a file and checks it. While the server is away it is asked again and again; what comes damaged is fetched anew a
 * few times. Throws a BtyError, or the signal's reason.
 */
export async function fetchWhole(file: WholeFile, ports: AskPorts, signal: AbortSignal): Promise<Buffer> {
  let damaged = 0;
  for (let failures = 0; ; failures += 1) {
    let problem: string;
    try {
      const bytes = await attempt(file, ports, signal);
      if (file.isRight(bytes)) return bytes;
      damaged += 1;
      problem = `it came damaged, with ${bytes.length} bytes`;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BtyError) throw error;
      problem = requestProblem(error);
    }
    if (damaged === MAX_DAMAGED) {
      const details = { url: file.url };
      throw new BtyError('DIGEST_MISMATCH', `${file.what} came damaged ${damaged} times`, { details });
    }
    ports.onRetry(`${file.what} was not fetched: ${problem}; trying again`);
    const { baseMs, capMs } = ports.backoff ?? {};
    await sleep(fullJitterMs(failures, Math.random(), baseMs, capMs), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}
