import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AGENT_SUBPROTOCOL,
  type AgentHello,
  type AgentMessage,
  type FlashStart,
  type JobRef,
  parseAgentFrame,
  type ServerMessage,
  type TargetHint,
  type VerifyMode,
} from '@bty/wire-types';
import { type WebSocket, WebSocketServer } from 'ws';
import { type PackedImage, packImage } from '../src/engine/packed-image.builder.js';
import { FakeFileServer } from './file-server.fake.js';

/** A server of one agent and one image: lists it, answers hellos, acknowledges reports, grants commits; every part of it can be held back. */
export class FakeAgentServer {
  readonly messages: AgentMessage[] = [];
  readonly hellos: AgentHello[] = [];
  /** Method and path of all that was asked for. */
  readonly requests: string[] = [];
  readonly pack: FakeFileServer;
  readonly image: PackedImage;
  /** What is answered for the map; undefined: nothing is there. */
  map: Buffer | undefined;
  onCommit: 'grant' | 'refuse' | 'silence' = 'grant';
  acknowledges = true;
  /** Handed out after each hello. */
  order: FlashStart | undefined;
  readonly #http: Server;
  readonly #sockets = new Set<WebSocket>();

  constructor(image: Buffer) {
    this.image = packImage(image);
    this.map = this.image.bytes;
    const { digest } = this.image.map.pack;
    this.pack = new FakeFileServer(this.image.pack, digest);
    this.#http = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      const { name, size_bytes, content_size_bytes, map } = this.image.job;
      if (request.url === '/images') {
        response.end(JSON.stringify([{ name, size_bytes, content_size_bytes, state: 'ready', error: null }]));
      } else if (request.url === `/images/${name}`) {
        response.writeHead(200, { link: `<${map.path}>; rel="describedby"`, 'content-length': size_bytes }).end();
      } else if (request.method === 'POST') response.end('{}');
      else if (request.url === `/packs/${digest}`) void this.pack.answer(request, response);
      else if (request.url === this.image.job.map.path && this.map !== undefined) response.end(this.map);
      else response.writeHead(request.url === '/healthz' ? 200 : 404).end();
    });
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => AGENT_SUBPROTOCOL });
    this.#http.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (client) => this.#serve(client));
    });
  }

  /** Listens on a free port, or on the given one, and returns the URL. */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#http.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** An order for this server's image. */
  newOrder(more: { verify?: VerifyMode; target_hint?: TargetHint; epoch?: number; job_id?: string } = {}): FlashStart {
    const { verify = 'full', epoch = 1, job_id = randomUUID(), ...rest } = more;
    return { type: 'flash.start', job_id, epoch, image: this.image.job, verify, provisioning_mode: 'none', ...rest };
  }

  send(message: ServerMessage): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify(message));
  }

  sendText(text: string): void {
    for (const socket of this.#sockets) socket.send(text);
  }

  /** Closes every socket with a code, or breaks them without one. */
  cut(code?: number): void {
    for (const socket of this.#sockets) {
      if (code === undefined) socket.terminate();
      else socket.close(code);
    }
  }

  /** All messages of one type. */
  of<T extends AgentMessage['type']>(type: T): Extract<AgentMessage, { type: T }>[] {
    return this.messages.filter((message): message is Extract<AgentMessage, { type: T }> => message.type === type);
  }

  #serve(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('message', (data) => {
      const { message, problem } = parseAgentFrame(data.toString());
      if (message === undefined) throw new Error(`the agent sent a bad frame: ${problem}`);
      this.messages.push(message);
      const reply = (answer: ServerMessage): void => socket.send(JSON.stringify(answer));
      if (message.type === 'agent.hello') this.#greet(message, reply);
      else if (message.type === 'commit.request') this.#decide(message, reply);
      else if ('seq' in message && this.acknowledges) reply({ type: 'report.ack', seq: message.seq });
    });
  }

  #greet(hello: AgentHello, reply: (answer: ServerMessage) => void): void {
    this.hellos.push(hello);
    reply({ type: 'session.opened', session: 's'.repeat(43), server_time: new Date().toISOString() });
    if (this.order !== undefined) reply(this.order);
  }

  #decide({ job_id, epoch }: JobRef, reply: (answer: ServerMessage) => void): void {
    if (this.onCommit === 'grant') reply({ type: 'commit.grant', job_id, epoch });
    if (this.onCommit === 'refuse')
      reply({ type: 'commit.refuse', job_id, epoch, code: 'STALE_EPOCH', reason: 'test' });
  }
}
