import type { IncomingMessage, Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { AGENT_SUBPROTOCOL, CLOSE_CODES, PROTOCOL_LIMITS } from '@bty/wire-types';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type WebSocket, WebSocketServer } from 'ws';
import { CONFIG, type Config } from '../config/index.js';
import { baseUrlFor, forwardedAddress } from '../http/index.js';
import { ServerDesk } from './agent-desk.service.js';
import { type AgentOrigin, AgentSession } from './agent-session.js';
import { ConnectedAgents } from './connected-agents.service.js';

const PATH = '/agent';
/** What may wait to be sent to an agent that does not read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** After a close, how long the other end may take to say goodbye. */
const CLOSE_PATIENCE_MS = 2_000;

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** The WebSocket end of the agents' protocol: upgrades, heartbeats and limits. What is said is the session's business. */
@Injectable()
export class AgentsGateway implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Agents');
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: PROTOCOL_LIMITS.maxFrameBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(AGENT_SUBPROTOCOL) ? AGENT_SUBPROTOCOL : false),
  });

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly host: HttpAdapterHost,
    private readonly desk: ServerDesk,
    private readonly agents: ConnectedAgents,
  ) {}

  onApplicationBootstrap(): void {
    this.attach(this.host.httpAdapter.getHttpServer() as Server);
  }

  /** Serves agents on one more server. */
  attach(http: Server | TlsServer): void {
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.upgrade(request, socket, head));
  }

  beforeApplicationShutdown(): void {
    for (const client of this.server.clients) client.close(CLOSE_CODES.SERVER_RESTART, 'the server is stopping');
    this.server.close();
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?')[0];
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (path !== PATH) refuse(socket, '404 Not Found');
    // Only a browser sends an Origin, and no page has business here.
    else if (request.headers.origin !== undefined) refuse(socket, '403 Forbidden');
    else if (!offered.includes(AGENT_SUBPROTOCOL)) refuse(socket, '400 Bad Request');
    else {
      const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
      const serverUrl = baseUrlFor(this.config.publicUrl, request.headers.host, request.socket, scheme);
      const origin = { ip: forwardedAddress(request, this.config.trustedProxies), serverUrl };
      this.server.handleUpgrade(request, socket, head, (client) => this.accept(client, origin));
    }
  }

  private accept(client: WebSocket, origin: AgentOrigin): void {
    const { ip } = origin;
    const session = new AgentSession(
      {
        send: (message) => {
          if (client.bufferedAmount > MAX_UNSENT_BYTES) client.terminate();
          else client.send(JSON.stringify(message));
        },
        close: (code, reason) => {
          this.log.log(`the agent at ${ip} is told to go: ${code} ${reason}`);
          client.close(code, reason);
          setTimeout(() => client.terminate(), CLOSE_PATIENCE_MS).unref();
        },
      },
      this.desk,
      this.agents,
      origin,
    );
    client.on('message', (data, isBinary) => {
      if (isBinary) session.close(CLOSE_CODES.BAD_FRAME, 'frames are text');
      else session.onMessage(data.toString());
    });
    client.on('close', () => session.onClose());
    client.on('error', (error) => this.log.warn(`the connection of the agent at ${ip} broke: ${error.message}`));
    this.watch(client);
  }

  /** Pings, and cuts the connection of an agent that has been silent for too long. */
  private watch(client: WebSocket): void {
    let heardAt = Date.now();
    const heard = () => {
      heardAt = Date.now();
    };
    client.on('message', heard).on('pong', heard).on('ping', heard);
    const beat = setInterval(() => {
      if (Date.now() - heardAt > PROTOCOL_LIMITS.silenceTimeoutMs) client.terminate();
      else client.ping();
    }, PROTOCOL_LIMITS.pingIntervalMs);
    client.on('close', () => clearInterval(beat));
  }
}
