import { PROTOCOL_LIMITS } from '@bty/wire-types';
import { fullJitterMs } from '../backoff.js';
import type { Clock } from '../clock/clock.js';
import type { Retry } from './close-policy.js';
import type { AgentSocket, OpenSocket } from './socket.js';

/** Who uses a connection. */
export interface ConnectionUser {
  /** Runs before each attempt; must not take long. */
  beforeOpen(): Promise<void>;
  onOpen(): void;
  onMessage(text: string): void;
  /** Decides what follows; `delayMs` of the attempt comes back by `onWaiting`. */
  onClose(code: number, reason: string): Retry;
  onWaiting(delayMs: number): void;
}

const RARE_RETRY_MS = 60_000;
const CONGESTED_BYTES = 64 * 1024;
const ABNORMAL = 1006;

/** Keeps one socket open: dials, notices silence, waits with jitter, dials again. Knows nothing of what is said. */
export class Connection {
  #socket: AgentSocket | undefined;
  #cancelSilence: () => void = () => undefined;
  #cancelRetry: () => void = () => undefined;
  #failures = 0;
  #stopped = true;

  constructor(
    private readonly openSocket: OpenSocket,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly user: ConnectionUser,
  ) {}

  start(): void {
    this.#stopped = false;
    void this.#dial();
  }

  /** Closes for good. */
  stop(code: number, reason: string): void {
    this.#stopped = true;
    this.#cancelRetry();
    this.#cancelSilence();
    this.#socket?.close(code, reason);
  }

  /** The other end has proven to be the server: the next failure starts from the shortest wait again. */
  proven(): void {
    this.#failures = 0;
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  /** Whether there is room for messages that may be left out. */
  hasRoom(): boolean {
    return this.#socket !== undefined && this.#socket.pendingBytes() < CONGESTED_BYTES;
  }

  /** Ends this socket with a reason; another is opened later. */
  fail(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.close(code, reason);
    this.#closed(socket, code, reason);
  }

  async #dial(): Promise<void> {
    await this.user.beforeOpen();
    if (this.#stopped) return;
    const socket: AgentSocket = this.openSocket({
      onOpen: () => {
        this.#watch(socket);
        this.user.onOpen();
      },
      onMessage: (text) => {
        if (socket !== this.#socket) return;
        this.#watch(socket);
        this.user.onMessage(text);
      },
      onAlive: () => this.#watch(socket),
      onClose: (code, reason) => this.#closed(socket, code, reason),
    });
    this.#socket = socket;
  }

  /** A connection that died without a word looks open for hours; the server pings three times in this period. */
  #watch(socket: AgentSocket): void {
    if (socket !== this.#socket) return;
    this.#cancelSilence();
    this.#cancelSilence = this.clock.after(PROTOCOL_LIMITS.silenceTimeoutMs, () => {
      socket.terminate();
      this.#closed(socket, ABNORMAL, 'the server was silent for too long');
    });
  }

  #closed(socket: AgentSocket, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#cancelSilence();
    if (this.#stopped) return;
    const retry = this.user.onClose(code, reason);
    if (retry === 'never') {
      this.#stopped = true;
      return;
    }
    const delayMs = retry === 'rarely' ? RARE_RETRY_MS : fullJitterMs(this.#failures, this.random());
    this.#failures += 1;
    this.user.onWaiting(delayMs);
    this.#cancelRetry = this.clock.after(delayMs, () => void this.#dial());
  }
}
