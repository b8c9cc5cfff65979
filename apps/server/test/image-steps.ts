import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, ServerUnderTest } from './server-under-test.js';

/** An order that a server had in hand when it was stopped on a busy host is taken up again after BullMQ's 30 s. */
const PATIENCE_MS = 75_000;

/** What the catalogue says about an image, as soon as it is in the state. */
export async function imageIn(server: ServerUnderTest, name: string, state: string) {
  let found: Answer | undefined;
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    await server.ask('/images');
    found = await server.ask(`/images/${name}/info`);
    if (found.json?.state === state) return found.json;
    await sleep(50);
  }
  throw new Error(`${name} did not become ${state}: ${found?.text}`);
}

/** Uploads an image and waits until it can be flashed. */
export async function putImage(server: ServerUnderTest, name: string, bytes: Buffer) {
  const answer = await server.put(`/images/${name}`, bytes);
  if (answer.status > 201) throw new Error(`${name} was not taken: ${answer.text}`);
  return imageIn(server, name, 'ready');
}
