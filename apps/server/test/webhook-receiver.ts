import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a receiver was sent. */
export interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Takes what webhooks are told, and answers as it is asked to. */
export class WebhookReceiver {
  readonly posted: Posted[] = [];
  /** The statuses of the next answers; 204 when there is none left. */
  statuses: number[] = [];

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => void this.take(request, response));
  }

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WebhookReceiver(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    this.posted.push({ headers: request.headers, body });
    response.statusCode = this.statuses.shift() ?? 204;
    if (response.statusCode === 302) response.setHeader('Location', '/elsewhere');
    response.end();
  }
}
