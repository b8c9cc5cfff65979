import { CLOSE_CODES } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { FakeAgent, INVENTORY, kernelArgument, resultOf } from './fake-agent.js';
import { putImage } from './image-steps.js';
import { rawHttp } from './raw-http.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let next = 0;

async function newMachine(
  fields: Record<string, unknown> = { boot_policy: 'flash', image: 'debian.img' },
): Promise<string> {
  next += 1;
  const mac = `52:54:00:cc:00:${next.toString(16).padStart(2, '0')}`;
  expect((await server.put(`/machines/${mac}`, fields)).status).toBe(201);
  return mac;
}

async function bootToken(mac: string): Promise<string> {
  return kernelArgument((await server.ask(`/pxe/${mac}`, { anonymous: true })).text, 'token');
}

async function job(id: string) {
  return (await server.ask(`/flash-jobs/${id}`)).json;
}

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

describe('the upgrade', () => {
  const upgrade = (path: string, more: string) =>
    rawHttp(
      server.port,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`,
    );

  it.each([
    ['another path', '/other', 'Sec-WebSocket-Protocol: bty-agent.v1\r\n', '404'],
    ['no subprotocol', '/agent', '', '400'],
    ['another version of the protocol', '/agent', 'Sec-WebSocket-Protocol: bty-agent.v9\r\n', '400'],
    ['a web page', '/agent', 'Sec-WebSocket-Protocol: bty-agent.v1\r\nOrigin: http://evil\r\n', '403'],
  ])('is refused for %s', async (_name, path, more, status) => {
    expect(await upgrade(path, more)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('is made for an agent', async () => {
    const answer = await upgrade('/agent', 'Sec-WebSocket-Protocol: other, bty-agent.v1\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: bty-agent\.v1\r\n/);
  });
});

describe('frames that are none', () => {
  it.each([
    ['no JSON', '{', CLOSE_CODES.BAD_FRAME],
    ['another message first', '{"type":"commit.request","job_id":"x","epoch":1}', CLOSE_CODES.BAD_FRAME],
    ['too large', `"${'x'.repeat(70_000)}"`, 1009],
  ])('close the connection: %s', async (_name, text, code) => {
    const agent = await FakeAgent.connect(server, '52:54:00:cc:ff:01');
    agent.sendText(text);
    expect((await agent.closed()).code).toBe(code);
  });

  it('close the connection: bytes', async () => {
    const agent = await FakeAgent.connect(server, '52:54:00:cc:ff:01');
    agent.sendBytes(Buffer.from('{}'));
    expect(await agent.closed()).toEqual({ code: CLOSE_CODES.BAD_FRAME, reason: 'frames are text' });
  });

  it('close the connection and name the field', async () => {
    const agent = await FakeAgent.connect(server, '52:54:00:cc:ff:01');
    agent.hello({ boot_token: 'x'.repeat(43), inventory: { ...INVENTORY, firmware: 'coreboot' } });
    const { code, reason } = await agent.closed();
    expect([code, reason]).toEqual([CLOSE_CODES.BAD_FRAME, expect.stringMatching(/^inventory\.firmware: /)]);
  });
});

describe('the boot token', () => {
  it('is good for one boot of one machine', async () => {
    const mac = await newMachine({ boot_policy: 'tui' });
    const other = await newMachine({ boot_policy: 'tui' });
    const token = await bootToken(mac);
    const thief = await FakeAgent.connect(server, other);
    thief.hello({ boot_token: token });
    expect((await thief.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);
    const agent = await FakeAgent.connect(server, mac);
    agent.hello({ boot_token: token });
    await agent.receive('session.opened');
    const replay = await FakeAgent.connect(server, mac);
    replay.hello({ boot_token: token, nonce: 'm'.repeat(22) });
    expect((await replay.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);
    expect(agent.isOpen).toBe(true);
    const events = (await server.ask(`/events?subject=machine/${mac}`)).json;
    expect(events).toContainEqual(
      expect.objectContaining({ action: 'agent.refused', after: { credential: 'boot_token' } }),
    );
  });

  it('gives the same session again for the same nonce within a minute', async () => {
    const mac = await newMachine();
    const boot_token = await bootToken(mac);
    const first = await FakeAgent.connect(server, mac);
    first.hello({ boot_token });
    const start = await first.receive('flash.start');
    first.cut();
    const again = await FakeAgent.connect(server, mac);
    again.hello({ boot_token });
    await again.receive('session.opened');
    expect(await again.receive('flash.start')).toMatchObject({ job_id: start.job_id, epoch: 2 });
    expect((await server.ask(`/flash-jobs?mac=${mac}`)).json).toHaveLength(1);
    await query(server.database, `UPDATE boot_tokens SET used_at = used_at - interval '61 s' WHERE mac = $1`, [mac]);
    const late = await FakeAgent.connect(server, mac);
    late.hello({ boot_token });
    expect((await late.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);
  });

  it('is no longer good after ten minutes', async () => {
    const mac = await newMachine();
    const boot_token = await bootToken(mac);
    await query(server.database, `UPDATE boot_tokens SET expires_at = now() - interval '1 s' WHERE mac = $1`, [mac]);
    const agent = await FakeAgent.connect(server, mac);
    agent.hello({ boot_token });
    expect((await agent.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);
  });
});

describe('a session', () => {
  it('that is opened from another address while the machine is connected is told by an event', async () => {
    const mac = await newMachine({ boot_policy: 'tui' });
    const owner = await FakeAgent.boot(server, mac);
    const again = await FakeAgent.boot(server, mac);
    expect((await owner.closed()).code).toBe(CLOSE_CODES.SUPERSEDED);
    const stranger = await FakeAgent.boot(server, mac, {}, '127.0.0.2');
    expect((await again.closed()).code).toBe(CLOSE_CODES.SUPERSEDED);
    const claims = async () => {
      const events = (await server.ask(`/events?subject=machine/${mac}`)).json as Record<string, unknown>[];
      return events.filter(({ action }) => action === 'machine.claimed');
    };
    await expect
      .poll(claims)
      .toMatchObject([
        { actor: `agent:${mac}`, ip: '127.0.0.2', before: { mac, ip: '127.0.0.1' }, after: { mac, ip: '127.0.0.2' } },
      ]);
    stranger.cut();
  });

  it('goes on with its job, under the same epoch, after a cut and after a restart of the server', async () => {
    const mac = await newMachine();
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    const current_job = { job_id: start.job_id, epoch: 1 };
    await agent.report({ type: 'flash.stage', ...current_job, stage: 'writing' });
    agent.cut();
    const back = await agent.reconnect(server, { current_job });
    await back.receive('session.opened');
    await back.report({ type: 'flash.stage', ...current_job, stage: 'flushing' });

    server = await server.restart();
    expect(await back.closed()).toMatchObject({ code: CLOSE_CODES.SERVER_RESTART });
    const later = await back.reconnect(server, { current_job });
    await later.receive('session.opened');
    later.send({ type: 'commit.request', ...current_job });
    await later.receive('commit.grant');
    await later.report({ type: 'flash.finished', ...current_job, outcome: 'succeeded', result: resultOf(start) });
    expect(await job(start.job_id)).toMatchObject({ state: 'succeeded', epoch: 1 });
    expect(later.received).toEqual([]);
  });

  it('gets the job again, under a new epoch, when its agent has forgotten it', async () => {
    const mac = await newMachine();
    const agent = await FakeAgent.boot(server, mac);
    const { job_id } = await agent.receive('flash.start');
    agent.cut();
    for (const epoch of [2, 3, 4, 5]) {
      const back = await agent.reconnect(server);
      expect(await back.receive('flash.start')).toMatchObject({ job_id, epoch });
      back.cut();
    }
    const last = await agent.reconnect(server);
    await last.receive('session.opened');
    for (let tries = 0; tries < 50 && (await job(job_id)).state !== 'failed'; tries += 1);
    expect((await job(job_id)).error.code).toBe('TOO_MANY_ATTEMPTS');
  });

  it('is told to reboot when its disk is flashed already', async () => {
    const mac = await newMachine();
    const agent = await FakeAgent.boot(server, mac);
    await agent.flash(await agent.receive('flash.start'));
    agent.cut();
    const back = await agent.reconnect(server);
    await back.receive('agent.reboot');
    expect((await server.ask(`/flash-jobs?mac=${mac}`)).json).toHaveLength(1);
  });

  it('ends with the reboot, but bears its last words being repeated', async () => {
    const mac = await newMachine();
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    await agent.flash(start);
    const words = { type: 'agent.rebooting', job_id: start.job_id, epoch: 1 };
    await agent.report(words);
    agent.cut();
    const back = await agent.reconnect(server);
    await back.receive('agent.reboot');
    await back.report(words);
    expect((await server.ask(`/pxe/${mac}`, { anonymous: true })).text).toContain('first boot after a flash');
    await query(server.database, `UPDATE agent_sessions SET ends_at = now() WHERE mac = $1`, [mac]);
    const late = await agent.reconnect(server);
    expect((await late.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);
  });

  it('keeps nothing of its secret but the hash', async () => {
    const agent = await FakeAgent.boot(server, await newMachine({ boot_policy: 'tui' }));
    const rows = await query<{ row: string }>(
      server.database,
      'SELECT agent_sessions::text AS row FROM agent_sessions',
    );
    for (const { row } of rows) expect(row).not.toContain(agent.session);
  });

  it('of another machine has no say over a job', async () => {
    const victim = await FakeAgent.boot(server, await newMachine());
    const { job_id, epoch } = await victim.receive('flash.start');
    const rogue = await FakeAgent.boot(server, await newMachine({ boot_policy: 'tui' }));
    rogue.send({ type: 'flash.progress', job_id, epoch, stage: 'writing', bytes_done: 7, bytes_per_second: 7 });
    rogue.send({ type: 'commit.request', job_id, epoch });
    expect((await rogue.closed()).code).toBe(CLOSE_CODES.BAD_FRAME);
    expect(await job(job_id)).toMatchObject({ state: 'dispatched', progress: null });
  });
});

describe('a newer agent of the same machine', () => {
  it('takes over: the older one is told to go, and its epoch is refused before the commit', async () => {
    const mac = await newMachine();
    const older = await FakeAgent.boot(server, mac);
    const first = await older.receive('flash.start');
    const newer = await FakeAgent.boot(server, mac);
    expect((await older.closed()).code).toBe(CLOSE_CODES.SUPERSEDED);
    expect(await newer.receive('flash.start')).toMatchObject({ job_id: first.job_id, epoch: 2 });
    const back = await older.reconnect(server, { current_job: { job_id: first.job_id, epoch: 1 } });
    expect((await back.closed()).code).toBe(CLOSE_CODES.UNAUTHENTICATED);

    newer.send({ type: 'commit.request', job_id: first.job_id, epoch: 1 });
    expect(await newer.receive('commit.refuse')).toMatchObject({ code: 'STALE_EPOCH', epoch: 1 });
    newer.send({ type: 'commit.request', job_id: first.job_id, epoch: 2 });
    expect(await newer.receive('commit.grant')).toMatchObject({ epoch: 2 });
  });

  it('does not become two by connecting again', async () => {
    const agent = await FakeAgent.boot(server, await newMachine({ boot_policy: 'tui' }));
    const again = await agent.reconnect(server);
    await again.receive('session.opened');
    expect((await agent.closed()).code).toBe(1000);
    expect((await server.ask(`/machines/${agent.mac}`)).json.agent_connected).toBe(true);
    again.cut();
    for (let tries = 0; tries < 50; tries += 1) {
      if (!(await server.ask(`/machines/${agent.mac}`)).json.agent_connected) return;
    }
    throw new Error('the machine still shows an agent');
  });
});

describe('reports', () => {
  it('count once, however often they come', async () => {
    const agent = await FakeAgent.boot(server, await newMachine());
    const start = await agent.receive('flash.start');
    const ref = { job_id: start.job_id, epoch: start.epoch };
    const repeated = { type: 'flash.stage', ...ref, seq: 1, stage: 'writing' };
    for (let count = 0; count < 3; count += 1) {
      agent.send(repeated);
      await agent.receive('report.ack');
    }
    const finished = { type: 'flash.finished', ...ref, seq: 2, outcome: 'succeeded', result: resultOf(start) };
    for (let count = 0; count < 3; count += 1) {
      agent.send(finished);
      await agent.receive('report.ack');
    }
    const { history } = await job(start.job_id);
    expect(history.map(({ state }: { state: string }) => state)).toEqual([
      'queued',
      'dispatched',
      'running',
      'succeeded',
    ]);
    const events = (await server.ask(`/events?subject=machine/${agent.mac}`)).json;
    expect(events.filter(({ action }: { action: string }) => action === 'machine.flashed')).toHaveLength(1);
  });

  it('of an old epoch are acknowledged and change nothing', async () => {
    const mac = await newMachine();
    const older = await FakeAgent.boot(server, mac);
    const start = await older.receive('flash.start');
    const newer = await FakeAgent.boot(server, mac);
    await newer.receive('flash.start');
    const stale = {
      type: 'flash.finished',
      job_id: start.job_id,
      epoch: 1,
      outcome: 'succeeded',
      result: resultOf(start),
    };
    await newer.report(stale);
    expect(await job(start.job_id)).toMatchObject({ state: 'dispatched', epoch: 2 });
    expect((await server.ask(`/machines/${mac}`)).json.last_flashed_at).toBeNull();
  });

  it('of a job that was ended elsewhere are answered with a stop at the next hello', async () => {
    const mac = await newMachine();
    const agent = await FakeAgent.boot(server, mac);
    const { job_id, epoch } = await agent.receive('flash.start');
    agent.cut();
    await server.post(`/flash-jobs/${job_id}/cancel`, undefined);
    const back = await agent.reconnect(server, { current_job: { job_id, epoch } });
    expect(await back.receive('flash.cancel')).toMatchObject({ job_id, epoch, code: 'CANCELLED' });
  });
});

describe('an agent without work', () => {
  it('is told to boot the disk when its machine’s policy has become local', async () => {
    const mac = await newMachine();
    const boot_token = await bootToken(mac);
    await server.put(`/machines/${mac}`, { boot_policy: 'local' });
    const agent = await FakeAgent.connect(server, mac);
    agent.hello({ boot_token });
    await agent.receive('agent.reboot');
  });

  it('leaves room for others: a socket that says nothing is no agent', async () => {
    const silent = new WebSocket(`ws://127.0.0.1:${server.port}/agent`, 'bty-agent.v1');
    await new Promise((resolve) => silent.once('open', resolve));
    const agent = await FakeAgent.boot(server, await newMachine({ boot_policy: 'tui' }));
    expect(agent.isOpen).toBe(true);
    silent.terminate();
  });
});
