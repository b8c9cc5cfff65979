import {
  type AgentHello,
  BtyError,
  CLOSE_CODES,
  type CommitRefuse,
  type FlashProgress,
  type JobRef,
  PROTOCOL_LIMITS,
  parseServerFrame,
  type ServerMessage,
  type SessionOpened,
} from '@bty/wire-types';
import type { Clock } from '../clock/clock.js';
import { type Retry, retryAfter } from './close-policy.js';
import { Connection, type ConnectionUser } from './connection.js';
import { Outbox, type Report } from './outbox.js';
import type { SessionStore } from './session-store.js';
import type { OpenSocket } from './socket.js';

/** Orders that reach the agent's own work. */
export type Order = Extract<
  ServerMessage,
  { type: 'flash.start' | 'flash.wait' | 'check.start' | 'flash.cancel' | 'agent.reboot' }
>;

/** Facts of a hello that the session does not know itself. */
type HelloFacts = Omit<AgentHello, 'type' | 'boot_token' | 'session' | 'nonce' | 'current_job'>;

/** What a session needs of the world, and whom it tells. */
export interface SessionPorts {
  openSocket: OpenSocket;
  clock: Clock;
  random: () => number;
  store: SessionStore;
  bootToken: string | undefined;
  beforeOpen(): Promise<void>;
  facts(): HelloFacts;
  currentJob(): JobRef | undefined;
  onOrder(order: Order): void;
  /** A newer agent has taken over: all writing must end, for good. */
  onSuperseded(reason: string): void;
  onState(state: string): void;
}

const RESEND_MS = 15_000;

export const sameJob = (a: JobRef, b: JobRef): boolean => a.job_id === b.job_id && a.epoch === b.epoch;

/** The agent's side of the protocol: hello, orders in, reports out until they are acknowledged, the commit grant. */
export class AgentSession implements ConnectionUser {
  readonly #ports: SessionPorts;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  #opened = false;
  #saidSession = false;
  #lastProgressMs = Number.NEGATIVE_INFINITY;
  #cancelResend: () => void = () => undefined;
  #commit: { ref: JobRef; granted: () => void; refused: (error: BtyError) => void } | undefined;

  constructor(ports: SessionPorts) {
    this.#ports = ports;
    this.#connection = new Connection(ports.openSocket, ports.clock, ports.random, this);
    this.#outbox = new Outbox(ports.store.state.outbox, (outbox) => ports.store.update({ outbox }));
  }

  start(): void {
    this.#connection.start();
  }

  stop(reason: string): void {
    this.#cancelResend();
    this.#connection.stop(1001, reason);
  }

  /** Sends a report now or when there is a connection; resolves when the server has stored it. */
  report(report: Report): Promise<void> {
    const { message, acknowledged } = this.#outbox.add(report);
    if (this.#opened) this.#connection.send(JSON.stringify(message));
    return acknowledged;
  }

  /** Sends progress unless the last was sent a moment ago, or nobody listens. */
  progress(progress: FlashProgress): void {
    const now = this.#ports.clock.nowMs();
    if (!this.#opened || now - this.#lastProgressMs < PROTOCOL_LIMITS.progressIntervalMs) return;
    if (!this.#connection.hasRoom()) return;
    this.#lastProgressMs = now;
    this.#connection.send(JSON.stringify(progress));
  }

  /** Waits, over reconnects, until the server lets the attempt make the disk bootable; throws when it refuses. */
  async commit(ref: JobRef, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    this.#commit = { ref, granted: resolve, refused: reject };
    try {
      this.#askCommit();
      await promise;
    } finally {
      this.#commit = undefined;
      signal.removeEventListener('abort', abort);
    }
  }

  async beforeOpen(): Promise<void> {
    this.#ports.onState('connecting');
    await this.#ports.beforeOpen();
  }

  onOpen(): void {
    const { store, bootToken } = this.#ports;
    const { session, nonce } = store.state;
    // A job whose result the server does not have yet is still ours: unnamed, it would be handed out anew.
    const job = this.#ports.currentJob() ?? this.#outbox.unreportedJob();
    this.#saidSession = session !== undefined;
    const hello: AgentHello = {
      type: 'agent.hello',
      ...this.#ports.facts(),
      nonce,
      ...(session !== undefined ? { session } : {}),
      ...(session === undefined && bootToken !== undefined ? { boot_token: bootToken } : {}),
      ...(job === undefined ? {} : { current_job: job }),
    };
    this.#connection.send(JSON.stringify(hello));
  }

  onMessage(text: string): void {
    const { message, problem } = parseServerFrame(text);
    if (message === undefined) this.#connection.fail(CLOSE_CODES.BAD_FRAME, problem);
    else if (message.type === 'session.opened') this.#open(message.session);
    else if (this.#opened) this.#handle(message);
    else this.#connection.fail(CLOSE_CODES.BAD_FRAME, `type: ${message.type} before session.opened`);
  }

  onClose(code: number, reason: string): Retry {
    this.#opened = false;
    this.#cancelResend();
    this.#ports.onState(`disconnected (${code}${reason === '' ? '' : `: ${reason}`})`);
    if (code === CLOSE_CODES.SUPERSEDED) {
      this.#ports.onState('superseded: another agent of this machine has taken over');
      this.#ports.onSuperseded(reason);
    }
    if (code === CLOSE_CODES.UNAUTHENTICATED && this.#saidSession) {
      this.#ports.store.forgetSession();
      if (this.#ports.bootToken !== undefined) return 'soon';
    }
    if (code === CLOSE_CODES.UNAUTHENTICATED) {
      this.#ports.onState('the server refused the token of this boot: power-cycle the machine to get a new one');
    }
    return retryAfter(code, reason);
  }

  onWaiting(delayMs: number): void {
    if (delayMs > 1000) this.#ports.onState(`waiting ${Math.round(delayMs / 1000)} s to connect again`);
  }

  #handle(message: Exclude<ServerMessage, SessionOpened>): void {
    switch (message.type) {
      case 'report.ack':
        this.#outbox.acknowledge(message.seq);
        break;
      case 'commit.grant':
        if (this.#commit !== undefined && sameJob(message, this.#commit.ref)) this.#commit.granted();
        break;
      case 'commit.refuse':
        this.#refused(message);
        break;
      default:
        this.#ports.onOrder(message);
    }
  }

  #open(session: string): void {
    this.#ports.store.update({ session });
    this.#opened = true;
    this.#connection.proven();
    this.#ports.onState('connected');
    this.#resend();
  }

  /** What was sent and not acknowledged is sent again: after a reconnect at once, later now and then. */
  #resend(): void {
    this.#cancelResend();
    for (const message of this.#outbox.unacknowledged()) this.#connection.send(JSON.stringify(message));
    this.#askCommit();
    this.#cancelResend = this.#ports.clock.after(RESEND_MS, () => this.#resend());
  }

  #askCommit(): void {
    if (!this.#opened || this.#commit === undefined) return;
    this.#connection.send(JSON.stringify({ type: 'commit.request', ...this.#commit.ref }));
  }

  #refused(message: CommitRefuse): void {
    if (this.#commit === undefined || !sameJob(message, this.#commit.ref)) return;
    this.#commit.refused(new BtyError(message.code, `the server refused the commit: ${message.reason}`));
  }
}
