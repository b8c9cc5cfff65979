import { CLOSE_CODES, type JobRef, type MacAddress, PROTOCOL_LIMITS, type ServerMessage } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Agent, type AgentDesk, type AgentOrigin, AgentSession, type AgentSocket } from './agent-session.js';

const JOB: JobRef = { job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f', epoch: 1 };
const HELLO = {
  type: 'agent.hello',
  mac: '52:54:00:00:00:01',
  mode: 'flash',
  boot_token: 'x'.repeat(43),
  nonce: 'n'.repeat(22),
  agent_version: '0.1.0',
  inventory: { disks: [], nics: [], firmware: 'bios', ram_bytes: 1, cpu_count: 1 },
};

class RecordingSocket implements AgentSocket {
  readonly sent: ServerMessage[] = [];
  readonly closes: { code: number; reason: string }[] = [];

  send(message: ServerMessage): void {
    this.sent.push(message);
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }
}

/** Admits everybody with the right token and answers every message with what the test lays out. */
class ScriptedDesk implements AgentDesk {
  answers: ServerMessage[] = [];
  failure: Error | undefined;
  hold: Promise<void> = Promise.resolve();
  readonly taken: string[] = [];
  readonly reviewed: (JobRef | undefined)[] = [];

  async admit(hello: { boot_token?: string }, mac: MacAddress, origin: AgentOrigin) {
    await this.hold;
    if (hello.boot_token !== HELLO.boot_token) return undefined;
    const agent: Agent = { mac, macs: [mac], ...origin, sessionId: 's', policyDue: false, waits: false };
    return { agent, secret: 'secret'.repeat(5) };
  }

  async greet(): Promise<ServerMessage[]> {
    return this.answers;
  }

  async review(_agent: Agent, held: JobRef | undefined): Promise<ServerMessage[]> {
    this.reviewed.push(held);
    return this.answers;
  }

  async take(_agent: Agent, message: { type: string }): Promise<ServerMessage[]> {
    this.taken.push(message.type);
    if (this.failure !== undefined) throw this.failure;
    return [];
  }
}

class Roster {
  readonly present: Agent[] = [];

  enter(agent: Agent): void {
    this.present.push(agent);
  }

  leave(agent: Agent): void {
    this.present.splice(this.present.indexOf(agent), 1);
  }
}

let socket: RecordingSocket;
let desk: ScriptedDesk;
let roster: Roster;
let session: AgentSession;

async function say(message: unknown): Promise<void> {
  session.onMessage(typeof message === 'string' ? message : JSON.stringify(message));
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  socket = new RecordingSocket();
  desk = new ScriptedDesk();
  roster = new Roster();
  session = new AgentSession(socket, desk, roster, { ip: '10.0.0.1', serverUrl: 'http://10.0.0.2:8080' });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('AgentSession', () => {
  it('opens after a valid hello and then says what is to be done', async () => {
    desk.answers = [{ type: 'agent.reboot', reason: 'done' }];
    await say(HELLO);
    expect(socket.sent.map(({ type }) => type)).toEqual(['session.opened', 'agent.reboot']);
    expect(roster.present).toMatchObject([{ mac: '52:54:00:00:00:01', ip: '10.0.0.1' }]);
  });

  it('closes when no hello comes in time', async () => {
    await vi.advanceTimersByTimeAsync(PROTOCOL_LIMITS.helloTimeoutMs - 1);
    expect(socket.closes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(socket.closes).toMatchObject([{ code: CLOSE_CODES.HELLO_TIMEOUT }]);
  });

  it('keeps its time limit for the hello only', async () => {
    await say(HELLO);
    await vi.advanceTimersByTimeAsync(PROTOCOL_LIMITS.helloTimeoutMs * 10);
    expect(socket.closes).toEqual([]);
  });

  it.each([
    ['not JSON', '{', 'not JSON'],
    ['an unknown message', { type: 'agent.shell' }, 'type: unknown message type'],
    ['another message first', { type: 'commit.request', ...JOB }, 'type: agent.hello comes first'],
    ['a MAC address that is none', { ...HELLO, mac: 'ff:ff:ff:ff:ff:ff' }, 'mac: not a MAC address'],
    [
      'two credentials',
      { ...HELLO, session: 's'.repeat(43) },
      'boot_token: give exactly one of boot_token and session',
    ],
    ['no credential', { ...HELLO, boot_token: undefined }, 'boot_token: give exactly one of boot_token and session'],
  ])('closes with the field named on %s', async (_name, message, reason) => {
    await say(message);
    expect(socket.closes).toEqual([{ code: CLOSE_CODES.BAD_FRAME, reason }]);
  });

  it('closes on a second hello', async () => {
    await say(HELLO);
    await say(HELLO);
    expect(socket.closes).toMatchObject([{ code: CLOSE_CODES.BAD_FRAME, reason: 'type: a second agent.hello' }]);
  });

  it('closes on a credential that is not valid, and tells nothing', async () => {
    await say({ ...HELLO, boot_token: 'y'.repeat(43) });
    expect(socket.closes).toMatchObject([{ code: CLOSE_CODES.UNAUTHENTICATED }]);
    expect(socket.sent).toEqual([]);
    expect(roster.present).toEqual([]);
  });

  it('handles frames one at a time and in order', async () => {
    let release = () => {};
    desk.hold = new Promise((resolve) => {
      release = resolve;
    });
    await say(HELLO);
    await say({ type: 'flash.stage', ...JOB, seq: 1, stage: 'writing' });
    await say({ type: 'commit.request', ...JOB });
    expect(desk.taken).toEqual([]);
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.taken).toEqual(['flash.stage', 'commit.request']);
  });

  it('does not enter the roster when the agent has gone while its credential was looked at', async () => {
    let release = () => {};
    desk.hold = new Promise((resolve) => {
      release = resolve;
    });
    await say(HELLO);
    session.onClose();
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(roster.present).toEqual([]);
    expect(socket.sent).toEqual([]);
  });

  it('reviews with the job that the agent holds: from its hello, a start, until its end', async () => {
    await say({ ...HELLO, current_job: JOB });
    session.wake();
    await vi.advanceTimersByTimeAsync(0);
    desk.answers = [{ type: 'flash.cancel', ...JOB, code: 'CANCELLED', reason: 'cancelled' }];
    session.wake();
    await vi.advanceTimersByTimeAsync(0);
    desk.answers = [];
    session.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.reviewed).toEqual([JOB, JOB, undefined]);
  });

  it('closes with "connect again" when the server fails', async () => {
    await say(HELLO);
    desk.failure = new Error('the database is away');
    await say({ type: 'commit.request', ...JOB });
    expect(socket.closes).toMatchObject([{ code: CLOSE_CODES.SERVER_ERROR }]);
    expect(socket.closes[0]?.reason).not.toContain('database');
  });

  it('closes when frames come faster than an agent has reason to send them', async () => {
    await say(HELLO);
    for (let count = 0; count < 300; count += 1) await say({ type: 'commit.request', ...JOB });
    expect(socket.closes).toMatchObject([{ code: CLOSE_CODES.TOO_MANY_FRAMES }]);
  });

  it('takes the result of a failed job with its whole log at once, however long the server takes for each', async () => {
    let release = () => {};
    desk.hold = new Promise((resolve) => {
      release = resolve;
    });
    await say(HELLO);
    await say({ type: 'flash.finished', ...JOB, seq: 1, outcome: 'failed', error: { code: 'INTERNAL', message: 'x' } });
    for (let part = 0; part < PROTOCOL_LIMITS.maxLogParts; part += 1) {
      await say({ type: 'flash.log', ...JOB, seq: 2 + part, part, text: 'said' });
    }
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(socket.closes).toEqual([]);
    expect(desk.taken).toHaveLength(1 + PROTOCOL_LIMITS.maxLogParts);
  });

  it('takes four frames a second for as long as it likes', async () => {
    await say(HELLO);
    for (let count = 0; count < 1000; count += 1) {
      await vi.advanceTimersByTimeAsync(PROTOCOL_LIMITS.progressIntervalMs);
      await say({ type: 'flash.progress', ...JOB, stage: 'writing', bytes_done: count, bytes_per_second: 1 });
    }
    expect(socket.closes).toEqual([]);
    expect(desk.taken).toHaveLength(1000);
  });

  it('says nothing more once it is closed', async () => {
    await say(HELLO);
    session.close(CLOSE_CODES.SUPERSEDED, 'ä'.repeat(200));
    session.wake();
    await say({ type: 'commit.request', ...JOB });
    expect(socket.closes).toHaveLength(1);
    expect(Buffer.byteLength(socket.closes[0]?.reason ?? '')).toBeLessThanOrEqual(123);
    expect(desk.taken).toEqual([]);
    expect(desk.reviewed).toEqual([]);
  });
});
