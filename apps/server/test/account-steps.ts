import { expect } from 'vitest';
import type { ServerUnderTest } from './server-under-test.js';

/** Makes an API token and returns it. */
export async function newToken(server: ServerUnderTest, wish: Record<string, unknown>): Promise<string> {
  const made = await server.post('/tokens', wish);
  expect([made.status, made.json]).toEqual([201, expect.objectContaining(wish)]);
  return made.json.token as string;
}

/** Makes a user, and logs in: the answer of the login. */
export async function logIn(server: ServerUnderTest, username: string, password: string) {
  return server.ask('/auth/login', { anonymous: true, method: 'POST', body: { username, password } });
}
