import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { query } from './test-database.js';
import type { TestServer } from './test-server.js';

/** The public half of the server's key, as cloud-init would have put it into the flashed system. */
export async function installationKey(server: TestServer): Promise<string> {
  // A record whose texts ask for it makes the server make it.
  await server.put('/machines/52:54:00:ee:ee:ee', {});
  const [row] = await query<{ public_key: string }>(server.database, 'SELECT public_key FROM installation_keys');
  if (row === undefined) throw new Error('the server has made no key');
  return row.public_key;
}

/** Orders a run and returns its id. */
export async function orderRun(server: TestServer, mac: string, ref?: string): Promise<string> {
  const answer = await server.post('/runs', { mac, ...(ref === undefined ? {} : { cijoe_workflow_ref: ref }) });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id;
}

export async function run(server: TestServer, id: string) {
  return (await server.ask(`/runs/${id}`)).json;
}

/** The run as soon as it is in one of the states. */
export async function runIn(server: TestServer, id: string, states: string | string[], patienceMs = 30_000) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = await run(server, id);
    if ([states].flat().includes(found.state)) return found;
    if (Date.now() > deadline || found.finished_at !== null) {
      const log = (await server.ask(`/runs/${id}/log`)).text;
      throw new Error(`the run did not become ${states}: ${JSON.stringify(found, null, 1)}\n${log}`);
    }
    await sleep(50);
  }
}

export async function logOf(server: TestServer, id: string): Promise<string> {
  return (await server.ask(`/runs/${id}/log`)).text;
}

/** Starts the live env of a machine and flashes it, as far as the server can tell; returns the agent and its job. */
export async function flashByAgent(server: TestServer, mac: string): Promise<{ agent: FakeAgent; jobId: string }> {
  const job = await server.post('/flash-jobs', { mac });
  expect(job.status, job.text).toBe(201);
  const agent = await FakeAgent.boot(server, mac);
  await agent.flash(await agent.receive('flash.start'));
  return { agent, jobId: job.json.id };
}

/** The runs of a machine, newest first. */
export async function runsOf(server: TestServer, mac: string) {
  return (await server.ask(`/runs?mac=${mac}`)).json;
}

/** Waits until the log of a run has a text. */
export async function logged(server: TestServer, id: string, text: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await logOf(server, id)).includes(text)) return;
    await sleep(50);
  }
  throw new Error(`the log has no ${JSON.stringify(text)}: ${await logOf(server, id)}`);
}
