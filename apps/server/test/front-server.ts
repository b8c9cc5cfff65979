import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy before a server that may be restarted on another port: notes what it is asked for; 502 while nobody is there. */
export class FrontServer {
  /** Method and path of all that was asked for. */
  readonly asked: string[] = [];
  readonly #http: Server;

  private constructor(port: () => number) {
    this.#http = createServer((asking, answering) => {
      const { method, url: path, headers } = asking;
      this.asked.push(`${method} ${path}`);
      const onward = request({ host: '127.0.0.1', port: port(), method, path, headers, agent: false });
      onward.on('response', (answer) => {
        answering.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(answering);
      });
      onward.on('error', () => answering.writeHead(502).end());
      asking.pipe(onward);
    });
  }

  static async start(port: () => number): Promise<FrontServer> {
    const front = new FrontServer(port);
    await new Promise<void>((resolve) => front.#http.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
