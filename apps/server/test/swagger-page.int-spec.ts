import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from './test-server.js';

let server: TestServer;
let page: string;

beforeAll(async () => {
  server = await TestServer.start();
  page = (await server.ask('/docs', { anonymous: true })).text;
});

afterAll(() => server.stop());

/** Everything that the page has a browser load, as paths on the server. */
const assets = (): string[] =>
  [...page.matchAll(/<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"]+)"/g)].map(
    ([, reference = '']) => new URL(reference, `${server.url}/docs`).href,
  );

/** The sources that a policy lets a kind of content come from; without a rule of its own, by the default. */
function sources(policy: string, kind: string): string[] {
  const rules = new Map(policy.split(/;\s*/).map((rule) => [rule.split(' ')[0] ?? '', rule.split(' ').slice(1)]));
  return rules.get(kind) ?? rules.get('default-src') ?? [];
}

describe('the Swagger page', () => {
  it('is served to anybody, with a policy that allows no script but files of the server', async () => {
    const { status, headers } = await server.ask('/docs', { anonymous: true });
    expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    const policy = headers.get('content-security-policy') ?? '';
    for (const kind of ['script-src', 'connect-src']) expect(sources(policy, kind)).toEqual(["'self'"]);
    expect(sources(policy, 'style-src')).toEqual(["'self'", "'unsafe-inline'"]);
    expect(sources(policy, 'img-src')).toEqual(["'self'", 'data:']);
    // what that policy would forbid
    expect(page.match(/<script(?![^>]*\bsrc=)[^>]*>/g)).toBeNull();
    expect(page.match(/\son[a-z]+=|javascript:/gi)).toBeNull();
  });

  it('names only files of the server, which are served as what they are', async () => {
    const types: Record<string, RegExp> = {
      js: /^(text|application)\/javascript/,
      css: /^text\/css/,
      png: /^image\/png/,
    };
    const found = assets();
    expect(found.length).toBeGreaterThanOrEqual(5);
    for (const url of found) {
      expect(url.startsWith(`${server.url}/docs/`)).toBe(true);
      const { status, headers, text } = await server.ask(url.slice(server.url.length), { anonymous: true });
      const type = types[url.split('.').at(-1) ?? ''] ?? /never/;
      expect([url, status, headers.get('content-type')]).toEqual([url, 200, expect.stringMatching(type)]);
      expect(text.length).toBeGreaterThan(100);
    }
  });

  it('sends the CSRF token of a login', async () => {
    const { text } = await server.ask('/docs/swagger-ui-init.js', { anonymous: true });
    expect(text).toMatch(/request\.headers\[['"]X-CSRF-Token['"]\] = token/);
  });
});
