import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newMachine } from '../../apps/server/test/flash-steps.js';
import { ServerProcess } from '../../apps/server/test/server-process.js';
import { SseReader } from '../../apps/server/test/sse-reader.js';

let stateDir: string;
let server: ServerProcess;

beforeEach(async () => {
  stateDir = ServerProcess.newStateDir();
  server = await ServerProcess.start(stateDir);
});

afterEach(async () => {
  await server.end('SIGTERM');
  ServerProcess.discard(stateDir);
});

async function putWhenUp(fields: Record<string, unknown>): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await server.ask('/readyz')).status !== 503 || (await server.ask('/machines')).status === 200) break;
    await sleep(100);
  }
  return newMachine(server, fields);
}

it('tells a reader what happened after Postgres was killed, over the stream that it has or the next', async () => {
  let reader = await SseReader.open(server, '/events');
  await reader.take(({ event }) => event === 'ready');
  const before = await newMachine(server, {});
  await reader.take(({ data }) => data.subject === `machine/${before}`);
  process.kill(server.postgresPid, 'SIGKILL');
  await sleep(1_000);
  const after = await putWhenUp({});
  const found = await reader.take(({ data }) => data.subject === `machine/${after}`).catch(() => undefined);
  if (found === undefined) {
    reader = await SseReader.open(server, '/events', reader.lastId);
    await reader.take(({ data }) => data.subject === `machine/${after}`);
  }
  reader.close();
});

it('goes on for a reader after the server was killed, without a loss and without telling anything twice', async () => {
  const reader = await SseReader.open(server, '/events');
  await reader.take(({ event }) => event === 'ready');
  const told = [await newMachine(server, {}), await newMachine(server, {})];
  for (const mac of told) await reader.take(({ data }) => data.subject === `machine/${mac}`);
  const untold = await newMachine(server, {});
  await server.end('SIGKILL');
  await reader.ended();
  const known = reader.received.some(({ data }) => data.subject === `machine/${untold}`);
  server = await ServerProcess.start(stateDir);
  const again = await SseReader.open(server, '/events', reader.lastId);
  const later = await newMachine(server, {});
  await again.take(({ data }) => data.subject === `machine/${later}`).then(() => undefined);
  const replay = await SseReader.open(server, '/events', reader.lastId);
  const subjects: string[] = [];
  for (;;) {
    const { data } = await replay.take(() => true);
    subjects.push(data.subject);
    if (data.subject === `machine/${later}`) break;
  }
  expect(subjects.filter((subject) => told.some((mac) => subject.includes(mac)))).toEqual([]);
  expect(subjects.filter((subject) => subject === `machine/${untold}`)).toHaveLength(known ? 0 : 1);
  again.close();
  replay.close();
});
