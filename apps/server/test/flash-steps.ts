import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ServerUnderTest } from './server-under-test.js';

let next = 0;

/** Puts a record for a machine that no test has used before, and returns its MAC address. */
export async function newMachine(server: ServerUnderTest, fields: Record<string, unknown>): Promise<string> {
  next += 1;
  const mac = `52:54:00:aa:00:${next.toString(16).padStart(2, '0')}`;
  expect((await server.put(`/machines/${mac}`, fields)).status).toBe(201);
  return mac;
}

export async function job(server: ServerUnderTest, id: string) {
  return (await server.ask(`/flash-jobs/${id}`)).json;
}

/** The job as soon as it is in the state. */
export async function jobIn(server: ServerUnderTest, id: string, state: string) {
  for (let tries = 0; tries < 150; tries += 1) {
    const found = await job(server, id);
    if (found.state === state) return found;
    await sleep(50);
  }
  throw new Error(`the job did not become ${state}: ${JSON.stringify(await job(server, id))}`);
}
