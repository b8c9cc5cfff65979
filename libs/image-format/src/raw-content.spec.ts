import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { expand, streamOf } from '../test/sources.js';
import { rawContent } from './raw-content.js';

const bytes = Buffer.alloc(10_000, 'raw');

describe('a raw image', () => {
  it('gives its bytes', async () => {
    expect(await expand(rawContent(streamOf(bytes, 999), { maxBytes: 10_000, sizeBytes: 10_000 }))).toEqual(bytes);
    expect(await expand(rawContent(streamOf(bytes), { maxBytes: 10_000 }))).toEqual(bytes);
  });

  it.each([
    ['shorter than stated', { maxBytes: 99_999, sizeBytes: 10_001 }, 'IMAGE_TRUNCATED'],
    ['longer than stated', { maxBytes: 99_999, sizeBytes: 9_999 }, 'IMAGE_TOO_LONG'],
    ['longer than the room', { maxBytes: 9_999 }, 'IMAGE_TOO_LONG'],
  ])('is refused when it is %s', async (_what, limits, code) => {
    await expect(expand(rawContent(streamOf(bytes, 999), limits))).rejects.toMatchObject({ code });
  });

  it('is refused when it is empty', async () => {
    const content = rawContent(streamOf(Buffer.alloc(0)), { maxBytes: 1 });
    await expect(expand(content)).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
  });

  it('stops with the reason of the signal', async () => {
    const content = rawContent(streamOf(bytes), { maxBytes: 99_999 });
    await expect(expand(content, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
