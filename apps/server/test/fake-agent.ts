import {
  AGENT_SUBPROTOCOL,
  type AgentMessage,
  type FlashStart,
  type Inventory,
  type JobRef,
  parseServerFrame,
  type ServerMessage,
} from '@bty/wire-types';
import { WebSocket } from 'ws';
import type { ServerUnderTest } from './server-under-test.js';

const PATIENCE_MS = 5_000;

/** A machine with one free disk. */
export const INVENTORY: Inventory = {
  disks: [
    {
      path: '/dev/vda',
      size_bytes: 1 << 30,
      logical_sector_bytes: 512,
      serial: 'DISK-1',
      by_id: ['virtio-DISK-1'],
      transport: 'virtio',
      removable: false,
      read_only: false,
      in_use: [],
    },
  ],
  nics: [{ name: 'eth0', mac: '52:54:00:00:00:01', link: true }],
  firmware: 'bios',
  ram_bytes: 1 << 30,
  cpu_count: 1,
};

/** The kernel argument `bty.<name>` of the script that a machine gets. */
export function kernelArgument(script: string, name: string): string {
  return new RegExp(`^kernel .* bty\\.${name}=(\\S+)`, 'm').exec(script)?.[1] ?? '';
}

/** Speaks the agents' protocol over a real WebSocket, and writes no disk. */
export class FakeAgent {
  readonly received: ServerMessage[] = [];
  session = '';
  private seq = 0;
  private closedWith: { code: number; reason: string } | undefined;
  private readonly waiters = new Set<() => void>();

  private constructor(
    private readonly socket: WebSocket,
    readonly mac: string,
  ) {
    socket.on('message', (data) => {
      const { message, problem } = parseServerFrame(String(data));
      if (message === undefined) throw new Error(`the server sent a bad frame: ${problem}: ${String(data)}`);
      if (message.type === 'session.opened') this.session = message.session;
      this.received.push(message);
      for (const wake of this.waiters) wake();
    });
    socket.on('close', (code, reason) => {
      this.closedWith = { code, reason: reason.toString() };
      for (const wake of this.waiters) wake();
    });
  }

  static async connect(server: ServerUnderTest, mac: string, localAddress = '127.0.0.1'): Promise<FakeAgent> {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/agent`, AGENT_SUBPROTOCOL, { localAddress });
    const agent = new FakeAgent(socket, mac);
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return agent;
  }

  /** Boots the live env as a machine does: asks for its script, connects with the token in it, says hello. */
  static async boot(
    server: ServerUnderTest,
    mac: string,
    hello: Record<string, unknown> = {},
    localAddress?: string,
  ): Promise<FakeAgent> {
    const script = (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
    const agent = await FakeAgent.connect(server, mac, localAddress);
    const boot_token = kernelArgument(script, 'token');
    agent.hello({ boot_token, mode: kernelArgument(script, 'mode'), ...hello });
    await agent.receive('session.opened');
    return agent;
  }

  /** Comes back after its connection was cut, with the session that it has. */
  async reconnect(server: ServerUnderTest, hello: Record<string, unknown> = {}): Promise<FakeAgent> {
    const agent = await FakeAgent.connect(server, this.mac);
    agent.seq = this.seq;
    agent.hello({ session: this.session, ...hello });
    return agent;
  }

  hello(fields: Record<string, unknown>): void {
    this.sendText(
      JSON.stringify({
        type: 'agent.hello',
        mac: this.mac,
        mode: 'flash',
        nonce: 'n'.repeat(22),
        agent_version: '0.1.0',
        inventory: INVENTORY,
        ...fields,
      }),
    );
  }

  send(message: AgentMessage | Record<string, unknown>): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  sendBytes(bytes: Buffer): void {
    this.socket.send(bytes, { binary: true });
  }

  /** Sends a report with the next number and waits for its acknowledgement. */
  async report(message: Record<string, unknown>): Promise<void> {
    this.seq += 1;
    const { seq } = this;
    this.send({ ...message, seq });
    const acknowledgement = () =>
      this.received.findIndex(({ type, ...rest }) => type === 'report.ack' && 'seq' in rest && rest.seq === seq);
    await this.until(() => acknowledgement() >= 0);
    this.received.splice(acknowledgement(), 1);
  }

  /** The first message of a type that has not been taken yet; waits for it. */
  async receive<T extends ServerMessage['type']>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    await this.until(() => this.received.some((message) => message.type === type));
    const index = this.received.findIndex((message) => message.type === type);
    return this.received.splice(index, 1)[0] as Extract<ServerMessage, { type: T }>;
  }

  /** Goes through all phases of a job and reports success, without the last words. */
  async flash(start: FlashStart): Promise<void> {
    const ref: JobRef = { job_id: start.job_id, epoch: start.epoch };
    for (const stage of ['preparing', 'writing', 'flushing', 'verifying']) {
      await this.report({ type: 'flash.stage', ...ref, stage });
    }
    this.send({ type: 'commit.request', ...ref });
    await this.receive('commit.grant');
    await this.report({ type: 'flash.finished', ...ref, outcome: 'succeeded', result: resultOf(start) });
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closedWith !== undefined);
    return this.closedWith ?? { code: 0, reason: '' };
  }

  /** Cuts the connection without a goodbye. */
  cut(): void {
    this.socket.terminate();
  }

  /** Stops to read what the server sends, as a paused process does, or goes on. */
  hear(on: boolean): void {
    if (on) this.socket.resume();
    else this.socket.pause();
  }

  /** Whether the connection is open. */
  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  private async until(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!holds()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`nothing of the kind came; received: ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const { waiters } = this;
        function done(): void {
          clearTimeout(timer);
          waiters.delete(done);
          resolve();
        }
        waiters.add(done);
      });
    }
  }
}

/** What an agent says after a flash. */
export function resultOf(start: FlashStart): Record<string, unknown> {
  const bytes = start.image.content_size_bytes;
  return {
    target: { path: '/dev/vda', size_bytes: 1 << 30, serial: 'DISK-1' },
    bytes_fetched: bytes,
    bytes_written: bytes,
    bytes_skipped: 0,
    bytes_zeroed: 0,
    bytes_verified: bytes,
    verify: 'full',
    strategy: 'write-through',
    strategy_reason: 'none of 64 sampled chunks is right',
    bottleneck: 'network',
    duration_ms: 1234,
    stage_ms: { preparing: 10, writing: 1000, flushing: 24, verifying: 200 },
    gpt_relocated: true,
    peak_rss_bytes: 100_000_000,
  };
}
