import {
  type AgentHello,
  type AgentMessage,
  CLOSE_CODES,
  type JobRef,
  type MacAddress,
  PROTOCOL_LIMITS,
  parseAgentFrame,
  parseMacAddress,
  type ServerMessage,
  toBtyError,
} from '@bty/wire-types';

/**
 * More frames than this may not wait for their turn: the agent sends faster than the server can take. A job that fails, or
 * an agent that comes back after that, sends the result and all parts of the log at once.
 */
const MAX_WAITING_FRAMES = 2 * PROTOCOL_LIMITS.maxLogParts;
/** Steady rate and burst of frames. An agent sends at most four a second and its reports. */
const FRAMES_PER_SECOND = 50;
const FRAME_BURST = 200;
/** A close reason has at most 123 bytes (RFC 6455 §5.5). */
const MAX_REASON_BYTES = 123;

/** The other end, as far as a session needs to know it. */
export interface AgentSocket {
  send(message: ServerMessage): void;
  close(code: number, reason: string): void;
}

/** Where an agent is, and where it has found the server. */
export interface AgentOrigin {
  readonly ip: string;
  /** The server's address as the machine knows it, `http://HOST:PORT`. */
  readonly serverUrl: string;
}

/** The agent of a session that has been opened. */
export interface Agent extends AgentOrigin {
  /** Of the card that it has booted from. */
  readonly mac: MacAddress;
  /** Of every card of the box, that one included: a job for any of them is a job for this agent. */
  readonly macs: readonly string[];
  readonly sessionId: string;
  /** Whether boot policy `flash` may still make a job for this boot. */
  policyDue: boolean;
  /** Whether it waits for something that nobody announces, such as an image to be prepared. */
  waits: boolean;
}

/** What a session asks of the rest of the server. Each answer is what the agent is told, in order. */
export interface AgentDesk {
  /** Checks the credential; undefined when it is not valid. */
  admit(hello: AgentHello, mac: MacAddress, origin: AgentOrigin): Promise<{ agent: Agent; secret: string } | undefined>;
  /** What the agent has to do, now that it is here. */
  greet(agent: Agent, hello: AgentHello): Promise<ServerMessage[]>;
  /** What has changed for the agent; `held` is the job that it was given. */
  review(agent: Agent, held: JobRef | undefined): Promise<ServerMessage[]>;
  /** Takes a message. */
  take(agent: Agent, message: Exclude<AgentMessage, AgentHello>): Promise<ServerMessage[]>;
}

/** Where sessions are known by their machine. */
export interface AgentRoster {
  /** The session is its machine's from now on; an older one is told to go. */
  enter(agent: Agent, session: AgentSession): void;
  leave(agent: Agent, session: AgentSession): void;
}

/** The protocol `bty-agent.v1` on one connection: frames in, one at a time and in order; frames out; a reason to close. */
export class AgentSession {
  private readonly helloTimer: NodeJS.Timeout;
  private tail: Promise<void> = Promise.resolve();
  private waiting = 0;
  private credit = FRAME_BURST;
  private creditAt = Date.now();
  private agent: Agent | undefined;
  private held: JobRef | undefined;
  private closed = false;

  constructor(
    private readonly socket: AgentSocket,
    private readonly desk: AgentDesk,
    private readonly roster: AgentRoster,
    private readonly origin: AgentOrigin,
  ) {
    const late = () => this.close(CLOSE_CODES.HELLO_TIMEOUT, 'no agent.hello in time');
    this.helloTimer = setTimeout(late, PROTOCOL_LIMITS.helloTimeoutMs);
  }

  /** A text frame has come in. */
  onMessage(text: string): void {
    if (!this.spendCredit() || this.waiting >= MAX_WAITING_FRAMES) {
      this.close(CLOSE_CODES.TOO_MANY_FRAMES, 'too many frames');
      return;
    }
    const { message, problem } = parseAgentFrame(text);
    if (message === undefined) this.close(CLOSE_CODES.BAD_FRAME, problem);
    else this.inTurn(() => this.handle(message));
  }

  /** The connection is gone. */
  onClose(): void {
    this.closed = true;
    clearTimeout(this.helloTimer);
    if (this.agent !== undefined) this.roster.leave(this.agent, this);
  }

  /** The jobs of the machine have changed. */
  wake(): void {
    const { agent } = this;
    if (agent !== undefined) this.inTurn(async () => this.tell(await this.desk.review(agent, this.held)));
  }

  /** Ends the session; nothing that comes in afterwards counts. */
  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.helloTimer);
    this.socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, MAX_REASON_BYTES)
        .toString()
        .replace(/\ufffd$/, ''),
    );
  }

  private async handle(message: AgentMessage): Promise<void> {
    const { agent } = this;
    if (message.type === 'agent.hello') {
      if (agent === undefined) await this.open(message);
      else this.close(CLOSE_CODES.BAD_FRAME, 'type: a second agent.hello');
      return;
    }
    if (agent === undefined) {
      this.close(CLOSE_CODES.BAD_FRAME, 'type: agent.hello comes first');
      return;
    }
    if (message.type === 'flash.finished' || message.type === 'check.finished') this.held = undefined;
    this.tell(await this.desk.take(agent, message));
  }

  private async open(hello: AgentHello): Promise<void> {
    const mac = parseMacAddress(hello.mac);
    if (mac === undefined) return this.close(CLOSE_CODES.BAD_FRAME, 'mac: not a MAC address');
    if ((hello.boot_token === undefined) === (hello.session === undefined)) {
      return this.close(CLOSE_CODES.BAD_FRAME, 'boot_token: give exactly one of boot_token and session');
    }
    clearTimeout(this.helloTimer);
    const admitted = await this.desk.admit(hello, mac, this.origin);
    if (admitted === undefined) {
      return this.close(CLOSE_CODES.UNAUTHENTICATED, 'the boot token or session is not valid');
    }
    // It may have gone while the credential was looked at: then it must not push out an agent that is there.
    if (this.closed) return;
    this.agent = admitted.agent;
    this.roster.enter(admitted.agent, this);
    const server_time = new Date().toISOString();
    this.socket.send({ type: 'session.opened', session: admitted.secret, server_time });
    this.held = hello.current_job;
    this.tell(await this.desk.greet(admitted.agent, hello));
  }

  private tell(messages: readonly ServerMessage[]): void {
    for (const message of messages) {
      if (this.closed) return;
      if ('image' in message) this.held = { job_id: message.job_id, epoch: message.epoch };
      if (message.type === 'flash.cancel') this.held = undefined;
      this.socket.send(message);
    }
  }

  private inTurn(work: () => Promise<void>): void {
    this.waiting += 1;
    this.tail = this.tail
      .then(() => (this.closed ? undefined : work()))
      .catch((thrown: unknown) => this.fail(thrown))
      .finally(() => {
        this.waiting -= 1;
      });
  }

  private fail(thrown: unknown): void {
    const error = toBtyError(thrown);
    if (error.code === 'NOT_FOUND') this.close(CLOSE_CODES.BAD_FRAME, error.message);
    else this.close(CLOSE_CODES.SERVER_ERROR, 'the server failed; connect again');
  }

  private spendCredit(): boolean {
    const now = Date.now();
    this.credit = Math.min(FRAME_BURST, this.credit + ((now - this.creditAt) / 1000) * FRAMES_PER_SECOND);
    this.creditAt = now;
    this.credit -= 1;
    return this.credit >= 0;
  }
}
