import { PROTOCOL_LIMITS } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { OutputStream } from './output-stream.js';

/** A server that stores parts when it is told to. */
class SlowServer {
  readonly parts: { part: number; text: string }[] = [];
  #stored: () => void = () => undefined;

  send = (part: number, text: string): Promise<void> => {
    this.parts.push({ part, text });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stored = resolve;
    return promise;
  };

  store(): void {
    this.#stored();
  }
}

async function sent(chunks: readonly Buffer[]): Promise<string[]> {
  const parts: string[] = [];
  const stream = new OutputStream(async (part, text) => {
    expect(part).toBe(parts.length);
    parts.push(text);
  }, 0);
  for (const chunk of chunks) stream.add(chunk);
  await stream.end();
  return parts;
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('OutputStream', () => {
  it('sends what is printed while it is printed', async () => {
    const server = new SlowServer();
    const stream = new OutputStream(server.send, 0);
    stream.add(Buffer.from('first\n'));
    await settle();
    expect(server.parts).toEqual([{ part: 0, text: 'first\n' }]);
  });

  it('sends the next part when the last is stored, so that an outage leaves one to send again', async () => {
    const server = new SlowServer();
    const stream = new OutputStream(server.send, 0);
    for (const line of ['a\n', 'b\n', 'c\n']) {
      stream.add(Buffer.from(line));
      await settle();
    }
    expect(server.parts).toEqual([{ part: 0, text: 'a\n' }]);
    server.store();
    await settle();
    expect(server.parts[1]).toEqual({ part: 1, text: 'b\nc\n' });
    server.store();
    await stream.end();
    expect(server.parts).toHaveLength(2);
  });

  it('cuts into parts that the server takes, and no character in two', async () => {
    const text = `${'ä'.repeat(PROTOCOL_LIMITS.maxLogPartChars - 1)}\u{1f409}${'b'.repeat(100)}`;
    const bytes = Buffer.from(text);
    const parts = await sent([bytes.subarray(0, 1001), bytes.subarray(1001)]);
    expect(parts.join('')).toBe(text);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(PROTOCOL_LIMITS.maxLogPartChars);
      expect(part.isWellFormed()).toBe(true);
      expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(PROTOCOL_LIMITS.maxFrameBytes);
    }
  });

  it('takes out colours and control characters', async () => {
    expect(await sent([Buffer.from('\x1b[31mred\x1b[0m\r\n10 %\r20 %\r\n\0\ttab\n')])).toEqual([
      'red\n10 %\n20 %\n?\ttab\n',
    ]);
  });

  it('stops after a MiB, and says so', async () => {
    const parts = await sent([Buffer.alloc(900_000, 'a'), Buffer.alloc(900_000, 'b'), Buffer.from('more')]);
    const text = parts.join('');
    expect(text.length).toBeLessThan(1024 * 1024 + 100);
    expect(text).toMatch(/b\nbty: no more of the output is shown here; the report has it\n$/);
    expect(parts.length).toBeLessThan(PROTOCOL_LIMITS.maxOutputParts);
  });

  it('sends nothing of a program that prints nothing', async () => {
    expect(await sent([])).toEqual([]);
  });
});
