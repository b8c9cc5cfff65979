import { type AgentMessage, parseAgentFrame, type ServerMessage } from '@bty/wire-types';
import type { AgentSocket, OpenSocket, SocketEvents } from './socket.js';

/** One connection as the server sees it; a test plays the server. */
export class ScriptedSocket implements AgentSocket {
  readonly sent: AgentMessage[] = [];
  closedWith: { code: number; reason: string } | undefined;
  terminated = false;
  waitingBytes = 0;

  constructor(readonly events: SocketEvents) {}

  send(text: string): void {
    const { message, problem } = parseAgentFrame(text);
    if (message === undefined) throw new Error(`the agent sent a bad frame: ${problem}: ${text}`);
    this.sent.push(message);
  }

  pendingBytes(): number {
    return this.waitingBytes;
  }

  close(code: number, reason: string): void {
    this.closedWith = { code, reason };
  }

  terminate(): void {
    this.terminated = true;
  }

  say(message: ServerMessage): void {
    this.events.onMessage(JSON.stringify(message));
  }

  /** Accepts the connection and the hello. */
  accept(session = 's'.repeat(43)): void {
    this.events.onOpen();
    this.say({ type: 'session.opened', session, server_time: '2026-11-22T20:00:00.000Z' });
  }

  of<T extends AgentMessage['type']>(type: T): Extract<AgentMessage, { type: T }>[] {
    return this.sent.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type);
  }
}

/** Every connection that an agent opens, in order. */
export class ScriptedServer {
  readonly sockets: ScriptedSocket[] = [];

  readonly open: OpenSocket = (events) => {
    const socket = new ScriptedSocket(events);
    this.sockets.push(socket);
    return socket;
  };

  /** The connection that was opened last. */
  get last(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('the agent has not connected');
    return socket;
  }
}
