import { BtyError, CLOSE_CODES, type FlashStart, type JobRef } from '@bty/wire-types';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/manual-clock.fake.js';
import { AgentSession, type Order } from './agent-session.js';
import { MemoryStore } from './memory-store.fake.js';
import { ScriptedServer } from './scripted-socket.fake.js';

const TOKEN = 't'.repeat(43);
const JOB: JobRef = { job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f', epoch: 2 };
const STALE: JobRef = { ...JOB, epoch: 1 };
const ORDER: FlashStart = {
  type: 'flash.start',
  ...JOB,
  image: {
    name: 'a.img',
    format: 'img',
    size_bytes: 512,
    content_size_bytes: 512,
    sha256: 'a'.repeat(64),
    content_sha256: 'a'.repeat(64),
    map: { path: '/maps/b', size_bytes: 180, blake3: 'b'.repeat(64) },
  },
  verify: 'full',
  provisioning_mode: 'none',
};
const never = new AbortController().signal;

let clock: ManualClock;
let server: ScriptedServer;
let store: MemoryStore;
let orders: Order[];
let states: string[];
let superseded: string[];
let current: JobRef | undefined;

function newSession(bootToken: string | undefined = TOKEN): AgentSession {
  return new AgentSession({
    openSocket: server.open,
    clock,
    random: () => 1,
    store,
    bootToken,
    beforeOpen: async () => undefined,
    facts: () => ({
      mac: '52:54:00:00:00:01',
      mode: 'flash',
      agent_version: '1',
      inventory: { disks: [], nics: [], firmware: 'bios', ram_bytes: 1, cpu_count: 1 },
    }),
    currentJob: () => current,
    onOrder: (order) => void orders.push(order),
    onSuperseded: (reason) => void superseded.push(reason),
    onState: (state) => void states.push(state),
  });
}

async function connected(bootToken: string | undefined = TOKEN): Promise<AgentSession> {
  const session = newSession(bootToken);
  session.start();
  await clock.pass(0);
  server.last.accept();
  return session;
}

/** Breaks the connection and lets the agent come back. */
async function reconnect(code = 1006): Promise<void> {
  server.last.events.onClose(code, '');
  await clock.pass(15_000);
  server.last.accept();
}

beforeEach(() => {
  clock = new ManualClock();
  server = new ScriptedServer();
  store = new MemoryStore();
  orders = [];
  states = [];
  superseded = [];
  current = undefined;
});

describe('the hello', () => {
  it('trades the token, and offers the session ever after', async () => {
    await connected();
    expect(server.last.of('agent.hello')).toMatchObject([{ boot_token: TOKEN, nonce: 'n'.repeat(32) }]);
    await reconnect();
    expect(server.last.of('agent.hello')).toMatchObject([{ session: 's'.repeat(43), nonce: 'n'.repeat(32) }]);
    expect(server.last.of('agent.hello')[0]).not.toHaveProperty('boot_token');
  });

  it('offers the session after a restart of the agent', async () => {
    await connected();
    await connected();
    expect(server.last.of('agent.hello')).toMatchObject([{ session: 's'.repeat(43) }]);
  });

  it('repeats the same exchange when the answer was lost', async () => {
    newSession().start();
    await clock.pass(0);
    server.last.events.onOpen();
    server.last.events.onClose(1006, '');
    await clock.pass(15_000);
    server.last.events.onOpen();
    const hellos = server.sockets.flatMap((socket) => socket.of('agent.hello'));
    expect(hellos).toHaveLength(2);
    expect(hellos[1]).toEqual(hellos[0]);
  });

  it('names the job that is being carried out, and the one whose result is not acknowledged', async () => {
    current = JOB;
    const session = await connected();
    expect(server.last.of('agent.hello')).toMatchObject([{ current_job: JOB }]);
    current = undefined;
    const failure = { code: 'DISK_IO' as const, message: 'x' };
    void session.report({ type: 'flash.finished', ...JOB, outcome: 'failed', error: failure });
    await reconnect();
    expect(server.last.of('agent.hello')).toMatchObject([{ current_job: JOB }]);
    server.last.say({ type: 'report.ack', seq: 1 });
    await reconnect();
    expect(server.last.of('agent.hello')[0]).not.toHaveProperty('current_job');
  });
});

describe('reports', () => {
  it('rise in number, and are sent again after every reconnect until they are acknowledged', async () => {
    const session = await connected();
    void session.report({ type: 'flash.stage', ...JOB, stage: 'preparing' });
    void session.report({ type: 'flash.stage', ...JOB, stage: 'writing' });
    expect(server.last.of('flash.stage').map(({ seq }) => seq)).toEqual([1, 2]);
    server.last.say({ type: 'report.ack', seq: 1 });
    await reconnect();
    expect(server.last.of('flash.stage').map(({ seq, stage }) => [seq, stage])).toEqual([[2, 'writing']]);
  });

  it('that were made without a connection are sent with the next one, in order', async () => {
    const session = await connected();
    server.last.events.onClose(1006, '');
    void session.report({ type: 'flash.stage', ...JOB, stage: 'flushing' });
    void session.report({ type: 'flash.stage', ...JOB, stage: 'verifying' });
    await clock.pass(15_000);
    server.last.events.onOpen();
    expect(server.last.of('flash.stage')).toEqual([]);
    server.last.say({ type: 'session.opened', session: 's'.repeat(43), server_time: '2026-11-22T20:00:00.000Z' });
    expect(server.last.of('flash.stage').map(({ stage }) => stage)).toEqual(['flushing', 'verifying']);
  });

  it('survive a restart of the agent, and numbers are never used twice', async () => {
    const session = await connected();
    void session.report({ type: 'flash.stage', ...JOB, stage: 'preparing' });
    const restarted = await connected();
    expect(server.last.of('flash.stage').map(({ seq }) => seq)).toEqual([1]);
    void restarted.report({ type: 'flash.stage', ...JOB, stage: 'writing' });
    expect(server.last.of('flash.stage').map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('resolve when they are acknowledged, also when that comes twice or for numbers nobody used', async () => {
    const session = await connected();
    const stored = session.report({ type: 'agent.rebooting', ...JOB });
    for (const seq of [7, 1, 1]) server.last.say({ type: 'report.ack', seq });
    await expect(stored).resolves.toBeUndefined();
    expect(store.state.outbox.unacknowledged).toEqual([]);
  });

  it('that stay without an answer are sent again on the same connection', async () => {
    const session = await connected();
    void session.report({ type: 'agent.rebooting', ...JOB });
    await clock.pass(15_000);
    expect(server.last.of('agent.rebooting').map(({ seq }) => seq)).toEqual([1, 1]);
  });
});

describe('progress', () => {
  const say = (session: AgentSession, done: number): void =>
    session.progress({ type: 'flash.progress', ...JOB, stage: 'writing', bytes_done: done, bytes_per_second: 1 });

  it('goes out at most four times a second', async () => {
    const session = await connected();
    for (let ms = 0; ms < 2000; ms += 10) {
      say(session, ms);
      await clock.pass(10);
    }
    expect(server.last.of('flash.progress')).toHaveLength(8);
  });

  it('is left out without a connection, and when the connection is congested', async () => {
    const session = await connected();
    server.last.waitingBytes = 1_000_000;
    say(session, 1);
    server.last.events.onClose(1006, '');
    say(session, 2);
    await clock.pass(15_000);
    server.last.accept();
    expect(server.sockets.flatMap((socket) => socket.of('flash.progress'))).toEqual([]);
  });
});

describe('the commit', () => {
  it('is granted for the attempt that asked', async () => {
    const session = await connected();
    const commit = session.commit(JOB, never);
    server.last.say({ type: 'commit.grant', ...STALE });
    expect(server.last.of('commit.request')).toEqual([expect.objectContaining(JOB)]);
    server.last.say({ type: 'commit.grant', ...JOB });
    server.last.say({ type: 'commit.grant', ...JOB });
    await expect(commit).resolves.toBeUndefined();
  });

  it('is not granted by the grant of an older epoch, and not refused by its refusal', async () => {
    const session = await connected();
    let settled = false;
    void session.commit(JOB, never).finally(() => {
      settled = true;
    });
    server.last.say({ type: 'commit.grant', ...STALE });
    server.last.say({ type: 'commit.refuse', ...STALE, code: 'STALE_EPOCH', reason: 'old' });
    await clock.pass(1000);
    expect(settled).toBe(false);
  });

  it('is refused with the server’s code', async () => {
    const session = await connected();
    const commit = session.commit(JOB, never);
    server.last.say({ type: 'commit.refuse', ...JOB, code: 'STALE_EPOCH', reason: 'a newer agent has it' });
    await expect(commit).rejects.toMatchObject({
      code: 'STALE_EPOCH',
      message: expect.stringContaining('newer agent'),
    });
  });

  it('is asked for again after a reconnect', async () => {
    const session = await connected();
    const commit = session.commit(JOB, never);
    await reconnect();
    expect(server.last.of('commit.request')).toHaveLength(1);
    server.last.say({ type: 'commit.grant', ...JOB });
    await expect(commit).resolves.toBeUndefined();
  });

  it('ends with the reason of the signal', async () => {
    const session = await connected();
    const abort = new AbortController();
    const commit = session.commit(JOB, abort.signal);
    abort.abort(new BtyError('CANCELLED', 'enough'));
    await expect(commit).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a connection', () => {
  it('hands orders on, also when they come twice', async () => {
    await connected();
    server.last.say(ORDER);
    server.last.say(ORDER);
    expect(orders).toEqual([expect.objectContaining(JOB), expect.objectContaining(JOB)]);
  });

  it.each([
    ['no JSON', 'x'],
    ['an unknown type', '{"type":"shell.run"}'],
    ['an unknown field', JSON.stringify({ ...ORDER, run: 'id' })],
    ['an order of the wrong shape', JSON.stringify({ ...ORDER, epoch: 'two' })],
  ])('that carries %s is closed with a code, and made again', async (_name, frame) => {
    await connected();
    server.last.events.onMessage(frame);
    expect(server.last.closedWith?.code).toBe(CLOSE_CODES.BAD_FRAME);
    expect(orders).toEqual([]);
    await clock.pass(15_000);
    expect(server.sockets).toHaveLength(2);
  });

  it('survives whatever a server may send', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (frame) => {
        await connected();
        server.last.events.onMessage(frame);
        expect(orders).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('that carries an order before the session is opened is closed', async () => {
    newSession().start();
    await clock.pass(0);
    server.last.events.onOpen();
    server.last.say(ORDER);
    expect(server.last.closedWith?.code).toBe(CLOSE_CODES.BAD_FRAME);
    expect(orders).toEqual([]);
  });

  it('that says nothing for 45 s is given up and made again; a ping is a sign of life', async () => {
    await connected();
    await clock.pass(44_000);
    server.last.events.onAlive();
    await clock.pass(44_000);
    expect(server.sockets).toHaveLength(1);
    await clock.pass(1000);
    expect(server.last.terminated).toBe(true);
    await clock.pass(15_000);
    expect(server.sockets).toHaveLength(2);
  });

  it('is retried with growing waits of at most 10 s, and short ones again after success', async () => {
    newSession().start();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      await clock.pass(0);
      const count = server.sockets.length;
      const from = clock.nowMs();
      server.last.events.onClose(1006, 'ECONNREFUSED');
      while (server.sockets.length === count) await clock.pass(10);
      waits.push(clock.nowMs() - from);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
    server.last.accept();
    server.last.events.onClose(CLOSE_CODES.SERVER_RESTART, '');
    await clock.pass(500);
    expect(server.sockets).toHaveLength(10);
  });

  it('is not made again once a newer agent has taken over, and all writing is told to stop', async () => {
    await connected();
    server.last.events.onClose(CLOSE_CODES.SUPERSEDED, 'another');
    await clock.pass(600_000);
    expect(superseded).toEqual(['another']);
    expect(server.sockets).toHaveLength(1);
  });

  it('ignores what a connection says that is over', async () => {
    await connected();
    const [first] = server.sockets;
    await reconnect();
    first?.say(ORDER);
    first?.events.onClose(1006, '');
    expect(orders).toEqual([]);
    await clock.pass(1000);
    expect(server.sockets).toHaveLength(2);
  });
});

describe('a refused credential', () => {
  it('is replaced by the token when it was the session, once', async () => {
    await connected();
    server.last.events.onClose(1006, '');
    await clock.pass(15_000);
    server.last.events.onOpen();
    server.last.events.onClose(CLOSE_CODES.UNAUTHENTICATED, 'expired');
    await clock.pass(15_000);
    server.last.events.onOpen();
    expect(server.last.of('agent.hello')).toMatchObject([{ boot_token: TOKEN }]);
  });

  it('that was the token is shown, and tried rarely', async () => {
    newSession().start();
    await clock.pass(0);
    server.last.events.onOpen();
    server.last.events.onClose(CLOSE_CODES.UNAUTHENTICATED, 'used');
    await clock.pass(50_000);
    expect(server.sockets).toHaveLength(1);
    expect(states.join('\n')).toContain('power-cycle the machine');
    await clock.pass(10_000);
    expect(server.sockets).toHaveLength(2);
  });

  it('like a protocol that the server does not speak, is tried rarely', async () => {
    newSession().start();
    await clock.pass(0);
    server.last.events.onClose(1006, 'Unexpected server response: 400');
    await clock.pass(50_000);
    expect(server.sockets).toHaveLength(1);
  });
});
