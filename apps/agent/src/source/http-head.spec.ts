import { describe, expect, it } from 'vitest';
import { parseHead } from './http-head.js';

describe('the head of an answer', () => {
  it('is read with its status and its headers, whose names do not mind case', () => {
    const head = parseHead('HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\netag:"x"\r\nX-Empty:');
    expect(head?.status).toBe(206);
    expect([...(head?.headers ?? [])]).toEqual([
      ['content-length', '12'],
      ['etag', '"x"'],
      ['x-empty', ''],
    ]);
  });

  it.each([
    '',
    'HTTP/2 200',
    'HTTP/1.1 20',
    'GET / HTTP/1.1',
    'HTTP/1.1 200 OK\r\nno colon',
    'HTTP/1.1 200 OK\r\n x: y',
  ])('is none: %j', (text) => {
    expect(parseHead(text)).toBeUndefined();
  });
});
