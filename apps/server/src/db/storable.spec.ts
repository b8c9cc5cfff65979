import { describe, expect, it } from 'vitest';
import { storable } from './storable.js';

describe('storable', () => {
  it('replaces what Postgres cannot hold, however deep, keys included', () => {
    const hostile = { 'a\0': ['b\ud800', { c: '\udc00d' }], e: 1, f: null, g: true };
    expect(storable(hostile)).toEqual({ 'a\ufffd': ['b\ufffd', { c: '\ufffdd' }], e: 1, f: null, g: true });
  });

  it('leaves whole characters alone', () => {
    expect(storable('Größe 💾')).toBe('Größe 💾');
  });
});
