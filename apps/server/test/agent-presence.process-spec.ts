import { CLOSE_CODES } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { job, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

/** A server says every 15 seconds which agents it has. */
const ROUND = { timeout: 20_000 };
let server: TestServer;
let twin: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  twin = await server.twin();
  await putImage(server, 'debian.img', Buffer.alloc(4096, 'image'));
});

afterAll(async () => {
  await twin.stop();
  await server.stop();
});

const newMac = () => newMachine(server, { boot_policy: 'tui' });

/** Whether the machine has an agent, as the first server and the second see it. */
async function seen(mac: string): Promise<[boolean, boolean]> {
  const [one, other] = await Promise.all([server, twin].map((from) => from.ask(`/machines/${mac}`)));
  return [one?.json.agent_connected, other?.json.agent_connected];
}

describe('an agent of one server', () => {
  it('is connected as seen through another, in lists too, until it goes', async () => {
    const mac = await newMac();
    expect(await seen(mac)).toEqual([false, false]);
    const agent = await FakeAgent.boot(server, mac);
    await expect.poll(() => seen(mac)).toEqual([true, true]);
    const list: { mac: string; agent_connected: boolean }[] = (await twin.ask('/machines')).json;
    expect(list.filter((machine) => machine.agent_connected).map((machine) => machine.mac)).toEqual([mac]);
    agent.cut();
    await expect.poll(() => seen(mac)).toEqual([false, false]);
  });

  it('moves to another without a moment in which it is nowhere', async () => {
    const mac = await newMac();
    const agent = await FakeAgent.boot(server, mac);
    const back = await agent.reconnect(twin);
    await back.receive('session.opened');
    await expect
      .poll(() => query(server.database, 'SELECT holder FROM agent_presences WHERE mac = $1', [mac]))
      .toHaveLength(1);
    agent.cut();
    expect(await seen(mac)).toEqual([true, true]);
    back.cut();
    await expect.poll(() => seen(mac)).toEqual([false, false]);
  });

  it('is told to go within a round when a newer one of its machine is at another, and a claim from elsewhere is an event', async () => {
    const mac = await newMac();
    const owner = await FakeAgent.boot(server, mac);
    await expect.poll(() => seen(mac)).toEqual([true, true]);
    const stranger = await FakeAgent.boot(twin, mac, {}, '127.0.0.2');
    const claims = async () => (await server.ask(`/events?subject=machine/${mac}`)).json.slice(0, 1);
    await expect
      .poll(claims)
      .toMatchObject([{ action: 'machine.claimed', before: { ip: '127.0.0.1' }, after: { ip: '127.0.0.2' } }]);
    await expect.poll(() => owner.isOpen, ROUND).toBe(false);
    expect((await owner.closed()).code).toBe(CLOSE_CODES.SUPERSEDED);
    expect(stranger.isOpen).toBe(true);
    stranger.cut();
  });

  it('stays connected when its server is found dead by mistake, and is gone when it is dead', async () => {
    const mac = await newMac();
    const agent = await FakeAgent.boot(server, mac);
    await expect.poll(() => seen(mac)).toEqual([true, true]);
    await query(server.database, `UPDATE agent_presences SET seen_at = seen_at - interval '1 minute'`);
    expect(await seen(mac)).toEqual([true, false]);
    await expect.poll(() => seen(mac), ROUND).toEqual([true, true]);
    await query(server.database, 'DELETE FROM agent_presences');
    expect(await seen(mac)).toEqual([true, false]);
    await expect.poll(() => seen(mac), ROUND).toEqual([true, true]);
    agent.cut();
  });

  it('gets a job that was ordered at another', async () => {
    const mac = await newMachine(server, { boot_policy: 'tui', image: 'debian.img' });
    const agent = await FakeAgent.boot(twin, mac);
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    expect(await agent.receive('flash.start')).toMatchObject({ job_id: id });
    expect(await job(server, id)).toMatchObject({ state: 'dispatched' });
    agent.cut();
  });
});

describe('a server that stops', () => {
  it('leaves no agent behind', async () => {
    const other = await server.twin();
    const macs = await Promise.all(Array.from({ length: 5 }, newMac));
    for (const mac of macs) await FakeAgent.boot(other, mac);
    for (const mac of macs) await expect.poll(() => seen(mac)).toEqual([true, true]);
    await other.stop();
    expect(await query(server.database, 'SELECT mac FROM agent_presences WHERE mac = ANY($1)', [macs])).toEqual([]);
  });
});
